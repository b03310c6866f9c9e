package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.NotTheProtocolException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import okio.Buffer;
import okio.BufferedSource;
import okio.ByteString;

/**
 * Cuts a stream of server-sent events into the data of each event, on bytes: no text is made of a line. Lines end in LF, CR or
 * both; comments and other fields are skipped; several data lines of an event are joined by LF. Confined to one thread.
 */
public final class EventStream {
    private static final ByteString LINE_ENDS = ByteString.encodeUtf8("\r\n");
    private static final ByteString DATA = ByteString.encodeUtf8("data");
    private static final ByteString BYTE_ORDER_MARK = ByteString.decodeHex("efbbbf");
    private static final byte[] DONE = "[DONE]".getBytes(StandardCharsets.US_ASCII);

    private final BufferedSource source;
    private final int longest;
    private byte[] data = new byte[4096];
    private int length;
    private boolean hasData;
    private boolean atStart = true;
    private boolean afterCr;

    /** @param longest event in bytes that is taken */
    public EventStream(BufferedSource source, int longest) {
        this.source = source;
        this.longest = longest;
    }

    /** Goes to the next event with data. False at the end; what came of an event that is not whole is dropped. */
    public boolean next() throws IOException {
        length = 0;
        hasData = false;
        while (true) {
            long line = findLineEnd();
            if (line < 0) {
                return endsWithMark();
            }
            takeField((int) line);
            afterCr = source.readByte() == '\r';
            if (line == 0) {
                if (length > 0) {
                    return true;
                }
                hasData = false;
            }
        }
    }

    /** The bytes of the event's data: the first {@link #length} ones; valid until {@link #next}. */
    public byte[] data() {
        return data;
    }

    public int length() {
        return length;
    }

    /** Whether this event is the mark at the end of a whole stream. */
    public boolean isDone() {
        return length == DONE.length && Arrays.equals(data, 0, length, DONE, 0, length);
    }

    /** Length of the line at the start of the buffer; -1 when it has no end. */
    private long findLineEnd() throws IOException {
        skipToLine();
        long from = 0;
        while (true) {
            long end = source.getBuffer().indexOfElement(LINE_ENDS, from);
            if (end >= 0) {
                return end;
            }
            from = source.getBuffer().size();
            if (from > longest) {
                throw new NotTheProtocolException("a line of the stream has more than " + longest + " bytes");
            }
            if (!source.request(from + 1)) {
                return -1;
            }
        }
    }

    private void skipToLine() throws IOException {
        if (atStart && source.rangeEquals(0, BYTE_ORDER_MARK)) {
            source.skip(BYTE_ORDER_MARK.size());
        }
        atStart = false;
        // The LF of a CR LF is only looked for now: waiting for it would hold back an event that is whole.
        if (afterCr && source.request(1) && source.getBuffer().getByte(0) == '\n') {
            source.skip(1);
        }
        afterCr = false;
    }

    /** Some servers stop right after the mark; of anything else half an event is a cut. */
    private boolean endsWithMark() throws IOException {
        takeField((int) source.getBuffer().size());
        return isDone();
    }

    private void takeField(int line) throws IOException {
        Buffer buffer = source.getBuffer();
        if (!isData(buffer, line)) {
            source.skip(line);
            return;
        }
        int skipped = Math.min(line, DATA.size() + 1);
        source.skip(skipped);
        if (line > skipped && buffer.getByte(0) == ' ') {
            source.skip(1);
            skipped++;
        }
        append(line - skipped);
    }

    private static boolean isData(Buffer buffer, int line) {
        return line >= DATA.size()
                && buffer.rangeEquals(0, DATA)
                && (line == DATA.size() || buffer.getByte(DATA.size()) == ':');
    }

    private void append(int count) throws IOException {
        if (count > longest - length) {
            throw new NotTheProtocolException("an event of the stream has more than " + longest + " bytes");
        }
        int joint = hasData ? 1 : 0;
        if (data.length < length + joint + count) {
            data = Arrays.copyOf(data, Math.max(2 * data.length, length + joint + count));
        }
        if (hasData) {
            data[length++] = '\n';
        }
        hasData = true;
        readFully(count);
    }

    private void readFully(int count) throws IOException {
        int end = length + count;
        while (length < end) {
            int read = source.read(data, length, end - length);
            if (read < 0) {
                throw new EOFException("the stream ended inside of a line");
            }
            length += read;
        }
    }
}
