package dev.perdure.litellm;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Makes inputs that nobody thought of: noise, and recorded answers with something changed. The same random numbers give the same input. */
final class Mutations {
    private static final String[] WORDS = {
        "data: ",
        "data:",
        "data",
        "\n\n",
        "\n",
        "\r\n\r\n",
        "\r",
        ": comment\n\n",
        "event: x\n",
        "id: 7\n",
        "[DONE]",
        "data: [DONE]\n\n",
        "\ufeff",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "null",
        "null,",
        "true",
        "0",
        "0,",
        "-1",
        "7",
        "1e999",
        "1e999999999",
        "-0.0",
        "99999999999999999999",
        "0.1e-400",
        "NaN",
        "{}",
        "{},",
        "[],",
        "[[",
        "\"\"",
        "\"x\",",
        "\\ud800",
        "\\u0000",
        "\\n",
        "é",
        "東京",
        "𝄞",
        "\"choices\":[",
        "\"delta\":{",
        "\"message\":{",
        "\"content\":\"more\",",
        "\"content\":[{\"type\":\"text\",\"text\":\"part\"}],",
        "\"refusal\":\"no\",",
        "\"role\":\"assistant\",",
        "\"index\":0,",
        "\"index\":1,",
        "\"index\":\"0\",",
        "\"finish_reason\":\"stop\",",
        "\"reasoning_content\":\"hm\",",
        "\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s\"}],",
        "\"thinking_blocks\":[{\"type\":\"redacted_thinking\",\"\\ud800\":1}],",
        "\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"t\",\"arguments\":\"{}\"}}],",
        "\"tool_calls\":[null,",
        "\"function\":{\"arguments\":\"x\"},",
        "\"arguments\":{\"a\":1},",
        "\"name\":\"\",",
        "\"id\":\"c2\",",
        "\"usage\":{\"prompt_tokens\":-3,\"completion_tokens\":99999999999999999999,\"cost\":\"1e-5\"},",
        "\"prompt_tokens_details\":[],",
        "\"cost\":1e-400,",
        "\"model\":\"other\",",
        "\"error\":{\"message\":\"m\",\"type\":null,\"code\":429},",
        "\"error\":null,",
        "\"error\":\"x\",",
        "{\"error\":{\"message\":\"Budget has been exceeded! Current cost: 1, Max budget: 0\",\"type\":\"budget_exceeded\",\"code\":\"429\"}}",
        "{\"detail\":[{\"loc\":[1],\"msg\":\"m\"}]}",
        "\"detail\":",
        "\"message\":\"\",",
        "\"type\":{},",
        "\"code\":[],",
        "<html><body>",
        "</body>",
        "<style>",
        "<script ",
        "\"type\":\"response.completed\",",
        "\"type\":\"message_stop\",",
        "\"response\":{",
        "\"output\":[",
        "\"item\":{",
        "\"arguments\":\"{\",",
        "\"partial_json\":\"{\",",
        "\"input\":{\"a\":1},",
        "Traceback (most recent call last)",
        "No fallback model group found",
        "Try again in 3 seconds",
        "Try again in 999999999.9 seconds",
        "litellm.RateLimitError: ",
        "litellm.",
        "deadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
        Fuzz.KEY
    };
    private static final byte[][] BYTES = bytes();

    private final List<byte[]> corpus;

    /** @param corpus what is changed */
    Mutations(List<byte[]> corpus) {
        this.corpus = corpus;
    }

    private static byte[][] bytes() {
        byte[][] all = new byte[WORDS.length + 8][];
        for (int i = 0; i < WORDS.length; i++) {
            all[i] = WORDS[i].getBytes(StandardCharsets.UTF_8);
        }
        int at = WORDS.length;
        // Not UTF-8: a lone start, a lone continuation, overlong forms, half of a pair, beyond Unicode, cut short,
        // never valid.
        for (String hex : new String[] {"c3", "80", "c080", "e08080", "eda080", "f4908080", "f09f91", "ff"}) {
            all[at++] = java.util.HexFormat.of().parseHex(hex);
        }
        return all;
    }

    byte[] next(SplittableRandom random) {
        if (random.nextInt(12) == 0) {
            return noise(random);
        }
        byte[] input = corpus.get(random.nextInt(corpus.size()));
        int changes = 1 + random.nextInt(3);
        for (int i = 0; i < changes; i++) {
            input = change(input, random);
        }
        return input;
    }

    private static byte[] noise(SplittableRandom random) {
        byte[] noise = new byte[random.nextInt(200)];
        random.nextBytes(noise);
        if (random.nextBoolean()) {
            return noise;
        }
        ByteArrayOutputStream words = new ByteArrayOutputStream();
        for (int i = random.nextInt(30); i > 0; i--) {
            words.writeBytes(word(random));
        }
        return words.toByteArray();
    }

    private static byte[] word(SplittableRandom random) {
        return BYTES[random.nextInt(BYTES.length)];
    }

    private byte[] change(byte[] input, SplittableRandom random) {
        int at = random.nextInt(input.length + 1);
        int to = Math.min(input.length, at + random.nextInt(40));
        return switch (random.nextInt(8)) {
            case 0 -> replaced(input, at, Math.min(input.length, at + 1), new byte[] {(byte) random.nextInt(256)});
            case 1 -> replaced(input, at, to, new byte[0]);
            case 2 -> replaced(input, at, at, Arrays.copyOfRange(input, at, to));
            case 3, 4 -> replaced(input, afterMark(input, at), afterMark(input, at), word(random));
            case 5 -> replaced(input, at, to, word(random));
            case 6 -> Arrays.copyOf(input, at);
            default -> {
                byte[] other = corpus.get(random.nextInt(corpus.size()));
                yield replaced(
                        input, at, input.length, Arrays.copyOfRange(other, random.nextInt(other.length), other.length));
            }
        };
    }

    /** Behind the next bracket or comma, where JSON takes a further value. */
    private static int afterMark(byte[] input, int from) {
        for (int at = from; at < input.length; at++) {
            if (input[at] == '{' || input[at] == '[' || input[at] == ',') {
                return at + 1;
            }
        }
        return from;
    }

    private static byte[] replaced(byte[] input, int from, int to, byte[] with) {
        byte[] result = new byte[input.length - (to - from) + with.length];
        System.arraycopy(input, 0, result, 0, from);
        System.arraycopy(with, 0, result, from, with.length);
        System.arraycopy(input, to, result, from + with.length, input.length - to);
        return result;
    }
}
