package dev.perdure.internal.transfer;

import dev.perdure.session.Json;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;

/** Lines of JSON, and the trailer that seals them. Confined. */
final class LineWriter {
    private final OutputStream out;
    private final MessageDigest digest = Sha256.start();
    private long lines;

    LineWriter(OutputStream out) {
        this.out = out;
    }

    /** @param line a record */
    void write(Object line) throws IOException {
        byte[] bytes = (Json.of(line).text() + "\n").getBytes(StandardCharsets.UTF_8);
        if (bytes.length > LineReader.LONGEST) {
            throw new IOException("line " + (lines + 1) + " would have " + bytes.length + " bytes, and no more than "
                    + LineReader.LONGEST + " can be read again");
        }
        digest.update(bytes);
        out.write(bytes);
        lines++;
    }

    void seal() throws IOException {
        write(new Lines.Trailer(lines, HexFormat.of().formatHex(digest.digest())));
        out.flush();
    }
}
