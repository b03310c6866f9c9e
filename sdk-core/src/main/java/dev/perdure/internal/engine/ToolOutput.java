package dev.perdure.internal.engine;

import dev.perdure.session.BlobRef;
import dev.perdure.session.Event;
import dev.perdure.session.SessionId;
import dev.perdure.spi.BlobStore;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * What came out of one attempt of a call.
 *
 * @param returned whether the body came to its own end; false when it was given up or cut short, so that its effect is not known
 */
record ToolOutput(
        Event.CallOutcome outcome, String text, @Nullable BlobRef full, long millis, boolean returned) {
    /** Most bytes of a result that stand in the log. */
    static final int INLINE = 64 * 1024;

    private static final int HEAD = 6_000;
    private static final int TAIL = 2_000;

    static ToolOutput of(Event.CallOutcome outcome, String text, long millis) {
        return new ToolOutput(outcome, text, null, millis, true);
    }

    static ToolOutput cutShort(Event.CallOutcome outcome, String text, long millis) {
        return new ToolOutput(outcome, text, null, millis, false);
    }

    /** The same; a text of more than 64 KB goes beside the log, and its beginning and end stay. */
    ToolOutput offloaded(BlobStore blobs, SessionId session) {
        if (text.length() <= INLINE / 4) {
            return this;
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= INLINE) {
            return this;
        }
        BlobRef ref = blobs.put(session, bytes);
        String preview = text.substring(0, whole(HEAD)) + "\n[… cut …]\n" + text.substring(whole(text.length() - TAIL));
        return new ToolOutput(outcome, preview, ref, millis, returned);
    }

    /** An index near {@code at} that does not split a character. */
    private int whole(int at) {
        return Character.isLowSurrogate(text.charAt(at)) ? at - 1 : at;
    }
}
