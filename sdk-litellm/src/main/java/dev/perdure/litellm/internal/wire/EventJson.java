package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.NotTheProtocolException;
import dev.perdure.litellm.internal.http.WireJson;
import java.io.InputStream;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads the JSON of all events of a stream with one parser, whose tables and buffers are dearer than an event. For the parser they are one input; that an event
 * ends within its value is the end of the input. Confined to one thread.
 */
final class EventJson implements AutoCloseable {
    // No bound for all events together: each is bounded by who cuts them.
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(WireJson.LONGEST)
                    .maxNestingDepth(WireJson.DEEPEST)
                    .build())
            .build();

    private final Input input = new Input();
    private @Nullable JsonParser parser;
    private long before;

    /**
     * A parser that stands before the first token of an event. When its value was read, {@link #end} must follow.
     *
     * @param data not kept longer than until the next call
     */
    JsonParser at(byte[] data, int length) {
        JsonParser last = parser;
        if (last != null && last.streamReadContext().inRoot()) {
            before = input.given;
            input.set(data, length);
            return last;
        }
        // The first one, or whoever read the last event left it in the middle.
        close();
        before = 0;
        input.given = 0;
        input.set(data, length);
        parser = FACTORY.createParser(ObjectReadContext.empty(), input);
        return parser;
    }

    /**
     * Takes what the event has behind its value.
     *
     * @throws NotTheProtocolException when that is more than white space: it would be lost
     */
    void end() {
        Rest rest = new Rest();
        if (parser != null) {
            parser.releaseBuffered(rest);
        }
        input.rest(rest);
        if (rest.saysSomething) {
            throw new NotTheProtocolException("an event of more than one JSON object");
        }
    }

    /** Bytes from the start of the event to where the parser found something wrong. */
    long offset(JacksonException wrong) {
        return wrong.getLocation().getByteOffset() - before;
    }

    @Override
    public void close() {
        if (parser != null) {
            parser.close();
        }
    }

    private static final class Rest extends OutputStream {
        boolean saysSomething;

        @Override
        public void write(int b) {
            saysSomething |= b != ' ' && b != '\n' && b != '\r' && b != '\t';
        }
    }

    /** The bytes of one event, then the end. */
    private static final class Input extends InputStream {
        private byte[] data = {};
        private int at;
        private int length;
        private long given;

        void set(byte[] newData, int newLength) {
            data = newData;
            at = 0;
            length = newLength;
        }

        void rest(Rest rest) {
            for (; at < length; at++) {
                rest.write(data[at]);
            }
        }

        @Override
        public int read() {
            if (at == length) {
                return -1;
            }
            given++;
            return data[at++] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int most) {
            int count = Math.min(most, length - at);
            if (count == 0) {
                return -1;
            }
            System.arraycopy(data, at, into, offset, count);
            at += count;
            given += count;
            return count;
        }
    }
}
