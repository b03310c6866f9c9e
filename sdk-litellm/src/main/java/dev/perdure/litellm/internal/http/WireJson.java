package dev.perdure.litellm.internal.http;

import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.cfg.JsonNodeFeature;
import tools.jackson.databind.json.JsonMapper;

/** Reads and writes the JSON that goes over the wire. */
public final class WireJson {
    /** Bytes of one event or one plain answer that are taken. */
    public static final int LONGEST = 64 << 20;

    /** Levels that are taken: fewer than the log takes, in which what is kept of an answer stands a few levels deeper. */
    public static final int DEEPEST = 400;

    public static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxStringLength(LONGEST)
                            .maxNestingDepth(DEEPEST)
                            .maxDocumentLength(LONGEST)
                            .build())
                    .build())
            // A tree is read out of the midst of a chunk.
            .disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            // What goes back to a provider goes back digit by digit.
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    private WireJson() {}
}
