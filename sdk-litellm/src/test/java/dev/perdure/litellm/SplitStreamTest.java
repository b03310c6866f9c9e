package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.litellm.internal.http.WireJson;
import dev.perdure.litellm.internal.wire.ChunkParser;
import dev.perdure.litellm.internal.wire.EventStream;
import dev.perdure.litellm.internal.wire.ReplyDraft;
import dev.perdure.session.Part;
import dev.perdure.session.Usage;
import java.io.IOException;
import java.util.List;
import okio.Buffer;
import okio.ForwardingSource;
import okio.Okio;
import okio.Source;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every recorded stream, however the network cuts it, is the same reply. */
class SplitStreamTest {
    private record Read(
            List<Part> parts,
            String finishReason,
            Usage usage,
            String cost,
            String text,
            String thinking,
            int discards) {}

    @ParameterizedTest
    @ValueSource(
            strings = {
                "chat-stream",
                "chat-tools-stream",
                "chat-unicode-stream",
                "chat-reasoning-stream",
                "chat-empty-stream",
                "chat-cache-hit-stream",
                "chat-upstream-no-usage-stream",
                "fallback-midstream",
                "local-chat-stream"
            })
    void anyPieces_giveTheSameReply(String name) throws IOException {
        byte[] body = Recording.of(name).body();
        Read whole = read(new Buffer().write(body));
        assertThat(whole.finishReason()).isNotEqualTo("unknown");
        for (int most = 1; most <= 300; most++) {
            assertThat(read(new Pieces(new Buffer().write(body), most)))
                    .as("%d bytes at a read", most)
                    .isEqualTo(whole);
        }
        for (int cut = 1; cut < Math.min(body.length, 4000); cut++) {
            assertThat(read(new CutAt(new Buffer().write(body), cut)))
                    .as("cut at byte %d", cut)
                    .isEqualTo(whole);
        }
    }

    private static Read read(Source source) throws IOException {
        Heard heard = new Heard();
        ReplyDraft draft = new ReplyDraft(heard);
        EventStream events = new EventStream(Okio.buffer(source), WireJson.LONGEST);
        while (events.next() && !events.isDone()) {
            draft.add(ChunkParser.parse(events.data(), events.length(), draft.details()));
        }
        return new Read(
                draft.parts(),
                draft.finishReason(),
                draft.usage(),
                String.valueOf(draft.cost()),
                heard.text.toString(),
                heard.thinking.toString(),
                heard.discards);
    }

    /** Two pieces. */
    private static final class CutAt extends ForwardingSource {
        private long left;

        CutAt(Buffer bytes, int cut) {
            super(bytes);
            this.left = cut;
        }

        @Override
        public long read(Buffer sink, long byteCount) throws IOException {
            long read = super.read(sink, left > 0 ? Math.min(left, byteCount) : byteCount);
            left -= Math.max(0, read);
            return read;
        }
    }
}
