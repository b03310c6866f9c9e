package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Part;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever a peer sends, a call ends, with a reply or with a {@link ModelException}; and a reply is whole: the end mark was there, and nothing
 * that was said is missing.
 *
 * <p>Seed and number of the random inputs: {@code -Dperdure.fuzz.seed=…}, {@code -Dperdure.fuzz.inputs=…}. A failure names the seed of its one
 * input, which fails by itself with {@code -Dperdure.fuzz.inputs=1}.
 */
@Timeout(600)
class FuzzTest {
    private static final int INPUTS = Integer.getInteger("perdure.fuzz.inputs", 1_000_000);
    private static final long SEED = Long.getLong("perdure.fuzz.seed", System.nanoTime());
    private static final List<String> STREAMS = List.of(
            "chat-stream",
            "chat-tools-stream",
            "chat-unicode-stream",
            "chat-reasoning-stream",
            "chat-empty-stream",
            "chat-stream-no-usage-asked",
            "fallback-midstream",
            "local-chat-stream",
            "stream-error-mid",
            "stream-eof-without-done");
    private static final List<String> RESPONSES =
            List.of("responses-stream", "responses-tool-stream", "responses-stream-eof", "responses-stream-error-mid");
    private static final List<String> MESSAGES = List.of("messages-stream", "messages-tool-stream");
    private static final List<String> ANSWERS =
            List.of("chat", "chat-tools", "chat-reasoning", "chat-length", "chat-upstream-cached-tokens");
    private static final List<String> ERRORS = List.of(
            "bad-path",
            "budget-broke",
            "cooldown-3",
            "db-auth-bad-key",
            "db-auth-management-key",
            "db-budget-end-user-2",
            "limit-rpm-4",
            "session-iterations-3",
            "unknown-model",
            "upstream-401",
            "upstream-502",
            "upstream-context",
            "upstream-policy",
            "upstream-timeout");
    private static final int[] STATUSES = {
        200, 204, 301, 400, 401, 402, 403, 404, 408, 422, 429, 500, 502, 503, 504, 599
    };
    private static final String[] RETRY_AFTER = {
        "60", "0", "1.5", "999999999.999999999", "-1", "soon", "", "Wed, 21 Oct 2015 07:28:00 GMT"
    };

    /** Events of every recorded stream, but of each only some in the middle, and without fields that say nothing, so that a million are soon read. */
    private static List<byte[]> shortStreams(List<String> names) {
        List<byte[]> all = new ArrayList<>();
        for (String name : names) {
            String[] events = text(name)
                    .replaceAll(
                            "\"(id\":\"chatcmpl-[^\"]*\"|created\":\\d+|object\":\"[^\"]*\"|system_fingerprint\":\"[^\"]*\"),?",
                            "")
                    .split("(?<=\n\n)");
            for (int from = 1; from < events.length - 3; from += 2) {
                StringBuilder one = new StringBuilder(events[0]);
                Arrays.asList(events)
                        .subList(from, Math.min(from + 2, events.length))
                        .forEach(one::append);
                Arrays.asList(events)
                        .subList(Math.max(from + 2, events.length - 3), events.length)
                        .forEach(one::append);
                all.add(one.toString().getBytes(StandardCharsets.UTF_8));
            }
        }
        return all;
    }

    private static String text(String recording) {
        return new String(Recording.of(recording).body(), StandardCharsets.UTF_8);
    }

    private static List<byte[]> bodies(List<String> names) {
        return names.stream().map(name -> Recording.of(name).body()).toList();
    }

    // ---- random

    @Test
    void aMillionRandomInputs_neverHang_neverThrowAnythingElse_neverGiveHalfAReply() throws Exception {
        System.out.println("fuzz: " + INPUTS + " inputs, -Dperdure.fuzz.seed=" + SEED);
        int threads = INPUTS == 1 ? 1 : 2;
        List<Worker> workers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            workers.add(new Worker(SEED + i, threads, (INPUTS + threads - 1 - i) / threads));
        }
        // Threads of their own: what they throw has short traces, which is half of the time.
        workers.forEach(worker -> new Thread(worker.task, "fuzz").start());
        Map<Kind, Integer> failures = new EnumMap<>(Kind.class);
        int replies = 0;
        for (Worker worker : workers) {
            replies += worker.await();
            worker.failures.forEach((kind, count) -> failures.merge(kind, count, Integer::sum));
        }
        System.out.println("fuzz: " + replies + " replies, failures " + failures);
        if (INPUTS >= 100_000) {
            assertThat(replies).as("inputs that are replies").isGreaterThan(INPUTS / 40);
            assertThat(failures.keySet())
                    .contains(
                            Kind.RATE_LIMIT,
                            Kind.BUDGET,
                            Kind.SESSION_LIMIT,
                            Kind.AUTH,
                            Kind.CONTEXT_WINDOW,
                            Kind.CONTENT_POLICY,
                            Kind.BAD_REQUEST,
                            Kind.UNAVAILABLE,
                            Kind.TIMEOUT,
                            Kind.CUT_STREAM,
                            Kind.PROTOCOL);
        }
    }

    private static final class Worker {
        final Map<Kind, Integer> failures = new EnumMap<>(Kind.class);
        final FutureTask<Integer> task = new FutureTask<>(this::run);
        private final Fuzz chat = new Fuzz(Wire.CHAT);
        private final Fuzz responses = new Fuzz(Wire.RESPONSES);
        private final Fuzz messages = new Fuzz(Wire.MESSAGES);
        private final Mutations ofResponses = new Mutations(shortStreams(RESPONSES));
        private final Mutations ofMessages = new Mutations(shortStreams(MESSAGES));
        private final Mutations streams = new Mutations(shortStreams(STREAMS));
        private final Mutations answers = new Mutations(bodies(ANSWERS));
        private final Mutations errors = new Mutations(bodies(ERRORS));
        private final long first;
        private final int step;
        private final int count;
        private volatile long current;

        Worker(long first, int step, int count) {
            this.first = first;
            this.step = step;
            this.count = count;
        }

        private int run() {
            int replies = 0;
            for (int i = 0; i < count; i++) {
                current = first + (long) i * step;
                replies += play(current) ? 1 : 0;
            }
            return replies;
        }

        /** The count of replies; fails when an input takes longer than anything but a loop without end. */
        int await() throws InterruptedException {
            for (long before = current - 1; ; before = current) {
                try {
                    return task.get(60, TimeUnit.SECONDS);
                } catch (TimeoutException e) {
                    if (current == before) {
                        return fail("input with seed " + before + " hangs");
                    }
                } catch (ExecutionException e) {
                    throw new AssertionError(
                            "input with seed " + current + ": " + e.getCause().getMessage(), e.getCause());
                }
            }
        }

        private boolean play(long seed) {
            SplittableRandom random = new SplittableRandom(seed);
            int most = random.nextInt(3) == 0 ? 1 + random.nextInt(50) : 8192;
            return switch (random.nextInt(10)) {
                case 0 -> play(chat, Fuzz.Answer.plain(answers.next(random), most));
                case 1 -> play(chat, error(random, most));
                case 2 ->
                    random.nextBoolean()
                            ? play(responses, other(ofResponses.next(random), random, most))
                            : play(messages, other(ofMessages.next(random), random, most));
                default -> play(chat, Fuzz.Answer.stream(streams.next(random), most));
            };
        }

        private static Fuzz.Answer other(byte[] body, SplittableRandom random, int most) {
            return random.nextInt(8) == 0 ? Fuzz.Answer.plain(body, most) : Fuzz.Answer.stream(body, most);
        }

        private boolean play(Fuzz fuzz, Fuzz.Answer answer) {
            Heard heard = new Heard();
            try {
                ModelReply reply = fuzz.call(answer, heard);
                check(fuzz.wire(), answer, reply, heard);
                return true;
            } catch (ModelException e) {
                check(answer, e);
                failures.merge(e.kind(), 1, Integer::sum);
                return false;
            }
        }

        private Fuzz.Answer error(SplittableRandom random, int most) {
            String type = random.nextInt(4) == 0 ? "text/html" : "application/json";
            String retryAfter = random.nextBoolean() ? null : RETRY_AFTER[random.nextInt(RETRY_AFTER.length)];
            int status = STATUSES[1 + random.nextInt(STATUSES.length - 1)];
            return new Fuzz.Answer(status, type, errors.next(random), most, retryAfter);
        }
    }

    private static void check(Wire wire, Fuzz.Answer answer, ModelReply reply, Heard heard) {
        must(answer.status() == 200, "a reply has status 200", answer, reply);
        must(heard.text.toString().equals(reply.text()), "deltas say what the reply says", answer, reply);
        must(heard.thinking.toString().equals(thinking(reply)), "deltas think what the reply thinks", answer, reply);
        StreamReading reading = reading(wire, answer);
        must(reading.whole || !reading.clear, "a reply was whole", answer, reply);
        if (reading.clear && wire == Wire.CHAT) {
            must(reply.text().contentEquals(reading.text), "no text is missing", answer, reply);
            must(Fuzz.argumentLength(reply) == reading.argumentLength, "no arguments are missing", answer, reply);
        }
    }

    private static StreamReading reading(Wire wire, Fuzz.Answer answer) {
        if (!answer.type().startsWith("text/event-stream")) {
            return StreamReading.ofAnswer(answer.body());
        }
        return switch (wire) {
            case CHAT -> StreamReading.ofStream(answer.body());
            case RESPONSES -> StreamReading.ofEvents(answer.body(), "response.completed", "response.incomplete");
            case MESSAGES -> StreamReading.ofEvents(answer.body(), "message_stop");
        };
    }

    private static String thinking(ModelReply reply) {
        StringBuilder text = new StringBuilder();
        for (Part part : reply.parts()) {
            text.append(part instanceof Part.Thinking thinking ? thinking.text() : "");
        }
        return text.toString();
    }

    private static void check(Fuzz.Answer answer, ModelException e) {
        String message = String.valueOf(e.getMessage());
        must(!message.isBlank() && message.length() < 1000, "a message is short", answer, e);
        must(!message.contains(Fuzz.KEY), "a message has no key", answer, e);
        must(e.kind() != Kind.CLIENT && e.kind() != Kind.INTERRUPTED, "the peer did it", answer, e);
        must(e.findRetryAfter().filter(Duration::isNegative).isEmpty(), "nobody waits for the past", answer, e);
    }

    private static void must(boolean holds, String what, Fuzz.Answer answer, Object result) {
        if (!holds) {
            fail(what + ", but " + answer.status() + " " + shown(answer) + "\nis " + result);
        }
    }

    private static String shown(Fuzz.Answer answer) {
        return new String(answer.body(), StandardCharsets.UTF_8);
    }

    // ---- every byte

    @ParameterizedTest
    @ValueSource(
            strings = {
                "chat-stream",
                "chat-tools-stream",
                "chat-unicode-stream",
                "chat-reasoning-stream",
                "chat-empty-stream",
                "fallback-midstream",
                "local-chat-stream"
            })
    void streamCutAtAnyByte_isNeverAReply(String name) {
        byte[] body = Recording.of(name).body();
        int mark = new String(body, StandardCharsets.ISO_8859_1).indexOf("[DONE]");
        Fuzz fuzz = new Fuzz(Wire.CHAT);
        for (int cut = 0; cut < mark + "[DONE]".length(); cut++) {
            byte[] half = Arrays.copyOf(body, cut);
            ModelException e = failure(fuzz, Fuzz.Answer.stream(half, 8192));
            assertThat(e.kind()).as("cut at byte %d", cut).isEqualTo(Kind.CUT_STREAM);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"responses-stream", "responses-tool-stream", "messages-stream", "messages-tool-stream"})
    void streamOfAnotherWireCutBeforeItsEnd_isNeverAReply(String name) {
        boolean responses = name.startsWith("responses");
        Fuzz fuzz = new Fuzz(responses ? Wire.RESPONSES : Wire.MESSAGES);
        String body = text(name);
        int end = body.indexOf(responses ? "response.completed" : "message_stop\"}");
        assertThat(end).isPositive();
        for (int cut = 0; cut < end; cut++) {
            byte[] half = body.substring(0, cut).getBytes(StandardCharsets.UTF_8);
            assertThat(failure(fuzz, Fuzz.Answer.stream(half, 8192)).kind())
                    .as("cut at %d", cut)
                    .isEqualTo(Kind.CUT_STREAM);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"chat", "chat-tools", "chat-reasoning"})
    void plainAnswerCutAtAnyByte_isNeverAReply(String name) {
        byte[] body = Recording.of(name).body();
        Fuzz fuzz = new Fuzz(Wire.CHAT);
        for (int cut = 0; cut < body.length; cut++) {
            failure(fuzz, Fuzz.Answer.plain(Arrays.copyOf(body, cut), 8192));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"chat-stream", "chat-unicode-stream", "fallback-midstream", "chat-tools-stream"})
    void streamInPiecesOfAnySize_isTheSameReply(String name) {
        byte[] body = Recording.of(name).body();
        Fuzz fuzz = new Fuzz(Wire.CHAT);
        ModelReply whole = fuzz.call(Fuzz.Answer.stream(body, 1 << 20), new Heard());
        for (int most = 1; most < 200; most++) {
            assertThat(fuzz.call(Fuzz.Answer.stream(body, most), new Heard()))
                    .as("%d bytes at a read", most)
                    .isEqualTo(whole);
        }
    }

    @Test
    void anyByteThatIsNotUtf8_inAnyPlaceOfAText_isNoReplyOrOneWithTheRestOfIt() {
        Fuzz fuzz = new Fuzz(Wire.CHAT);
        String before = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one ";
        String after = " two\"}}]}\n\ndata: [DONE]\n\n";
        for (int first = 0x80; first < 0x100; first++) {
            for (int second = 0x20; second < 0x100; second += 7) {
                byte[] body = concat(before, new byte[] {(byte) first, (byte) second}, after);
                try {
                    String text = fuzz.call(Fuzz.Answer.stream(body, 8192), new Heard())
                            .text();
                    assertThat(text).startsWith("one ").endsWith(" two");
                } catch (ModelException e) {
                    assertThat(e.kind()).isEqualTo(Kind.PROTOCOL);
                }
            }
        }
    }

    @Test
    void valuesNestedAnyDepth_andNumbersOfAnySize_areAReplyOrRefused() {
        List<String> odd = new ArrayList<>(List.of(
                "1e999999999", "-1e999999999", "1e-999999999", "1e99999999999", "9".repeat(999), "9".repeat(2000)));
        for (int depth : new int[] {1, 100, 390, 399, 400, 401, 490, 499, 500, 501, 5000}) {
            odd.add("[".repeat(depth) + "]".repeat(depth));
            odd.add("{\"a\":".repeat(depth) + "1" + "}".repeat(depth));
        }
        for (String value : odd) {
            for (String place : List.of(
                    "{\"more\":%s,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}",
                    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\",\"more\":%s}}]}",
                    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\",\"thinking_blocks\":[{\"type\":\"t\",\"more\":%s}]}}]}",
                    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\",\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"t\",\"arguments\":{\"a\":%s}}}]}}]}",
                    "{\"usage\":{\"prompt_tokens\":%s},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}",
                    "{\"usage\":{\"cost\":%s},\"choices\":[{\"index\":%s,\"delta\":{\"content\":\"x\"}},{\"index\":0,\"delta\":{\"content\":\"x\"}}]}")) {
                String event = place.replace("%s", value);
                Fuzz fuzz = new Fuzz(Wire.CHAT);
                try {
                    assertThat(fuzz.call(stream("data: " + event + "\n\ndata: [DONE]\n\n", 8192), new Heard())
                                    .text())
                            .isEqualTo("x");
                } catch (ModelException e) {
                    assertThat(e.kind()).as(place).isEqualTo(Kind.PROTOCOL);
                }
            }
            Fuzz responses = new Fuzz(Wire.RESPONSES);
            playOdd(
                    responses,
                    text("responses-stream").replaceFirst("(\"(?:input_tokens|output_index)\":)\\d+", "$1" + value));
            playOdd(
                    responses,
                    text("responses-stream").replace("\"response\":{", "\"response\":{\"more\":" + value + ","));
            byte[] error = ("{\"error\":{\"message\":\"m\",\"more\":" + value + "}}").getBytes(StandardCharsets.UTF_8);
            assertThat(failure(responses, new Fuzz.Answer(500, "application/json", error, 8192, null))
                            .kind())
                    .isEqualTo(Kind.UNAVAILABLE);
            Fuzz messages = new Fuzz(Wire.MESSAGES);
            playOdd(
                    messages,
                    text("messages-stream")
                            .replaceAll("(\"(?:input_tokens|output_tokens|index)\":)\\d+", "$1" + value));
            playOdd(messages, text("messages-stream").replace("\"message\":{", "\"message\":{\"more\":" + value + ","));
        }
    }

    private static void playOdd(Fuzz fuzz, String body) {
        try {
            fuzz.call(stream(body, 8192), new Heard());
        } catch (ModelException e) {
            assertThat(e.kind()).isEqualTo(Kind.PROTOCOL);
        }
    }

    @Test
    void linesOfAMegabyte_areRead_orSkipped() {
        Fuzz fuzz = new Fuzz(Wire.CHAT);
        String mega = "x".repeat(1 << 20);
        String said = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + mega + "\"}}]}\n\n";
        String done = "data: [DONE]\n\n";
        for (int most : new int[] {100, 8192, 1 << 20}) {
            assertThat(fuzz.call(stream(": " + mega + "\n" + mega + "\n" + said + said + done, most), new Heard())
                            .text())
                    .hasSize(2 << 20);
            assertThat(failure(fuzz, stream(mega, most)).kind()).isEqualTo(Kind.CUT_STREAM);
            assertThat(failure(fuzz, stream(said + "data: " + mega + "\n\n" + done, most))
                            .kind())
                    .isEqualTo(Kind.PROTOCOL);
            Fuzz.Answer error = new Fuzz.Answer(500, "text/html", mega.getBytes(StandardCharsets.UTF_8), most, null);
            assertThat(failure(fuzz, error)).hasMessageMatching("(?s).{1,1000}");
        }
    }

    private static Fuzz.Answer stream(String body, int most) {
        return Fuzz.Answer.stream(body.getBytes(StandardCharsets.UTF_8), most);
    }

    private static byte[] concat(String before, byte[] middle, String after) {
        byte[] start = before.getBytes(StandardCharsets.UTF_8);
        byte[] end = after.getBytes(StandardCharsets.UTF_8);
        byte[] all = Arrays.copyOf(start, start.length + middle.length + end.length);
        System.arraycopy(middle, 0, all, start.length, middle.length);
        System.arraycopy(end, 0, all, start.length + middle.length, end.length);
        return all;
    }

    private static ModelException failure(Fuzz fuzz, Fuzz.Answer answer) {
        try {
            fuzz.call(answer, new Heard());
        } catch (ModelException e) {
            return e;
        }
        return fail("a reply of " + shown(answer));
    }
}
