package dev.perdure.internal.transfer;

import dev.perdure.session.Json;
import dev.perdure.session.UnsupportedFormatException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.RecordComponent;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Lines of JSON with one line of foresight; knows their numbers, and the digest of all that are behind. Confined. */
final class LineReader {
    /** Longest line in bytes; a longer one is no line of ours. */
    static final int LONGEST = 256 * 1024 * 1024;

    private final InputStream in;
    private final MessageDigest digest = Sha256.start();
    private final Map<Class<?>, List<String>> required = new HashMap<>();
    private byte[] bytes = {};
    private long number;
    private @Nullable Json next;

    LineReader(InputStream in) {
        this.in = new BufferedInputStream(in, 1 << 16);
        advance();
    }

    /** Name of the first field of the line ahead; empty at the end. */
    String kind() {
        return next == null || next.names().isEmpty() ? "" : next.names().get(0);
    }

    /** Number of the line ahead, from 1. */
    long number() {
        return number;
    }

    boolean atEnd() {
        return next == null;
    }

    /** SHA-256 of all lines before the one ahead, in hexadecimal. Asked for once. */
    String sha256() {
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The line ahead. Every component that may not be null must be in it: a number would be 0 otherwise. */
    <T extends Record> T peek(Class<T> type) {
        Json line = next;
        if (line == null) {
            throw new IllegalArgumentException("the file ends before its last line: it was cut short");
        }
        for (String field : required.computeIfAbsent(type, LineReader::required)) {
            if (line.find(field).isEmpty()) {
                throw new IllegalArgumentException("\"" + field + "\" is missing");
            }
        }
        return line.as(type);
    }

    private static List<String> required(Class<?> type) {
        return Arrays.stream(type.getRecordComponents())
                .filter(component -> !component.getAnnotatedType().isAnnotationPresent(Nullable.class))
                .map(RecordComponent::getName)
                .toList();
    }

    /** Goes on to the next line. */
    void skip() {
        digest.update(bytes);
        advance();
    }

    /** What {@code work} makes of the line ahead, or of what it says; a complaint names the line. */
    <T> T at(Supplier<T> work) {
        long line = number;
        try {
            return work.get();
        } catch (UnsupportedFormatException e) {
            throw new UnsupportedFormatException("line " + line + ": " + e.getMessage());
        } catch (NullPointerException e) {
            throw wrong(line, "\"" + e.getMessage() + "\" is missing", e);
        } catch (IllegalArgumentException e) {
            throw wrong(line, String.valueOf(e.getMessage()), e);
        }
    }

    IllegalArgumentException wrong(String what) {
        return wrong(number, what, null);
    }

    static IllegalArgumentException wrong(long line, String what, @Nullable Throwable cause) {
        return new IllegalArgumentException("line " + line + ": " + what, cause);
    }

    private void advance() {
        number++;
        try {
            bytes = read();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        next = bytes.length == 0 ? null : parse();
    }

    private Json parse() {
        if (bytes[bytes.length - 1] != '\n') {
            throw wrong("the file ends in the middle of this line: it was cut short");
        }
        Json line = at(() -> Json.parse(text()));
        if (!line.isObject()) {
            throw wrong("not a JSON object");
        }
        return line;
    }

    private String text() {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("not UTF-8", e);
        }
    }

    /** With its line feed; nothing at the end. */
    private byte[] read() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(512);
        for (int b = in.read(); b >= 0; b = in.read()) {
            line.write(b);
            if (b == '\n') {
                break;
            }
            if (line.size() >= LONGEST) {
                throw wrong("longer than " + LONGEST + " bytes, which no line of an export is");
            }
        }
        return line.toByteArray();
    }
}
