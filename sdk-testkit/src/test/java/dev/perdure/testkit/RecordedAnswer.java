package dev.perdure.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * An answer of a gateway, in a form in which two can be compared: what differs from call to call (times, ids, sums) is a question mark, all
 * else is as it came, in its order.
 */
record RecordedAnswer(List<String> head, String body) {
    private static final Pattern CHANGING_HEADER = Pattern.compile(
            "(?i)^(date|reset_at|content-length|llm_provider-content-length|x-litellm-call-id|x-litellm-key-spend"
                    + "|x-litellm-(response|overhead|callback)-duration-ms): .*");
    private static final Pattern ID = Pattern.compile("chatcmpl-fake-[0-9a-f]+-\\d+");
    private static final Pattern CALL = Pattern.compile("call_[0-9a-z]+_\\d");
    private static final Pattern TIME = Pattern.compile("\\d{4}-\\d\\d-\\d\\d[ T]\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?");
    private static final Pattern CREATED = Pattern.compile("\"created\":\\d+");
    private static final Map<String, RecordedAnswer> RECORDED = read();

    /** Of LiteLLM 1.96.2, byte for byte before what changes is taken out. */
    static RecordedAnswer recorded(String name) {
        RecordedAnswer found = RECORDED.get(name);
        if (found == null) {
            throw new IllegalArgumentException("no recording " + name);
        }
        return found;
    }

    /** Of an answer as it came from a socket. */
    static RecordedAnswer of(byte[] answer) {
        String text = new String(answer, StandardCharsets.UTF_8);
        int end = text.indexOf("\r\n\r\n");
        String head = text.substring(0, end);
        String body = text.substring(end + 4);
        return of(head, head.contains("Transfer-Encoding: chunked") ? unchunked(body) : body);
    }

    private static RecordedAnswer of(String head, String body) {
        List<String> lines = Arrays.stream(head.split("\r?\n"))
                .map(line -> CHANGING_HEADER.matcher(line).replaceAll("$1: ?"))
                .toList();
        String same = ID.matcher(body.stripTrailing()).replaceAll("?");
        same = CALL.matcher(same).replaceAll("?");
        same = TIME.matcher(same).replaceAll("?");
        return new RecordedAnswer(lines, CREATED.matcher(same).replaceAll("\"created\":0"));
    }

    /** Chunks count bytes; what they hold is cut as bytes, too. */
    private static String unchunked(String body) {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        StringBuilder text = new StringBuilder();
        int at = 0;
        while (true) {
            int line = at;
            while (bytes[line] != '\r') {
                line++;
            }
            int size = Integer.parseInt(new String(bytes, at, line - at, StandardCharsets.US_ASCII), 16);
            if (size == 0) {
                return text.toString();
            }
            text.append(new String(bytes, line + 2, size, StandardCharsets.UTF_8));
            at = line + 2 + size + 2;
        }
    }

    private static Map<String, RecordedAnswer> read() {
        try (InputStream in = RecordedAnswer.class.getResourceAsStream("/recorded-gateway.txt")) {
            if (in == null) {
                throw new IllegalStateException("recorded-gateway.txt is missing");
            }
            Map<String, RecordedAnswer> answers = new LinkedHashMap<>();
            for (String one : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("(?m)^=== ")) {
                if (!one.isEmpty()) {
                    int name = one.indexOf('\n');
                    int end = one.indexOf("\n\n");
                    answers.put(one.substring(0, name), of(one.substring(name + 1, end), one.substring(end + 2)));
                }
            }
            return answers;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
