package dev.perdure.litellm;

import dev.perdure.testkit.FakeGateway;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** An answer of a real LiteLLM 1.96.2, byte for byte: its headers, and its body without transfer coding. */
record Recording(String name, int status, List<String> headers, byte[] body) {

    static Recording of(String name) {
        try (InputStream in = Recording.class.getResourceAsStream("/recorded/" + name + ".http")) {
            if (in == null) {
                throw new IllegalArgumentException("no recording " + name);
            }
            byte[] all = in.readAllBytes();
            int end = new String(all, StandardCharsets.ISO_8859_1).indexOf("\n\n");
            String[] head = new String(all, 0, end, StandardCharsets.ISO_8859_1).split("\r?\n");
            List<String> headers = new ArrayList<>(Arrays.asList(head).subList(1, head.length));
            headers.removeIf(Recording::isFraming);
            return new Recording(
                    name,
                    Integer.parseInt(head[0].split(" ")[1]),
                    headers,
                    Arrays.copyOfRange(all, end + 2, all.length));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isFraming(String header) {
        String name = header.toLowerCase(Locale.ROOT);
        return name.startsWith("content-length:")
                || name.startsWith("transfer-encoding:")
                || name.startsWith("connection:");
    }

    /** Sends it, whole and ended by the end of the connection. */
    void play(FakeGateway.Exchange exchange) throws IOException {
        exchange.raw("HTTP/1.1 " + status + " X\r\n" + String.join("\r\n", headers) + "\r\nconnection: close\r\n\r\n")
                .raw(body)
                .cut();
    }
}
