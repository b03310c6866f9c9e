package dev.perdure.internal.sandbox;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * What a command wrote to one of its streams.
 *
 * @param truncated whether there was more
 */
@SuppressWarnings("ArrayRecordComponent") // read, not compared
record Output(byte[] bytes, boolean truncated) {
    /** All that is there now; for a command that nobody saw to its end. */
    static Output rest(Path file, int limit) throws IOException {
        byte[] bytes = start(file, limit + 1L);
        return bytes.length > limit ? new Output(Arrays.copyOf(bytes, limit), true) : new Output(bytes, false);
    }

    /** All that the command wrote; empty while it is still on its way through the pipe. */
    static Optional<Output> complete(Path file, int limit, String mark) throws IOException {
        byte[] end = mark.getBytes(StandardCharsets.US_ASCII);
        byte[] bytes = start(file, (long) limit + end.length + 1);
        int length = indexOf(bytes, end);
        if (length < 0 && bytes.length <= limit + end.length) {
            return Optional.empty();
        }
        boolean truncated = length < 0 || length > limit;
        return Optional.of(new Output(Arrays.copyOf(bytes, truncated ? limit : length), truncated));
    }

    private static byte[] start(Path file, long length) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return in.readNBytes((int) Math.min(length, Integer.MAX_VALUE - 8));
        } catch (NoSuchFileException e) {
            return new byte[0];
        }
    }

    // From the end, where it nearly always is.
    private static int indexOf(byte[] bytes, byte[] part) {
        for (int at = bytes.length - part.length; at >= 0; at--) {
            if (bytes[at] == part[0] && Arrays.equals(bytes, at, at + part.length, part, 0, part.length)) {
                return at;
            }
        }
        return -1;
    }
}
