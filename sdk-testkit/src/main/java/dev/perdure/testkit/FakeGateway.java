package dev.perdure.testkit;

import dev.perdure.session.Json;
import dev.perdure.testkit.internal.gateway.Call;
import dev.perdure.testkit.internal.gateway.GatewayState;
import dev.perdure.testkit.internal.gateway.HttpRequest;
import dev.perdure.testkit.internal.gateway.Management;
import dev.perdure.testkit.internal.gateway.Refusals;
import dev.perdure.testkit.internal.gateway.Refused;
import dev.perdure.testkit.internal.gateway.Whole;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A FAKE LiteLLM gateway on a loopback port, for tests of an agent or of a client, without Python. It says what a test tells it to, in the
 * shape, with the headers and in the words that were recorded from LiteLLM 1.96.2, and does to its connections what a test wants.
 *
 * <p>Model calls ({@code POST /v1/chat/completions}, and any other {@code POST} below {@code /v1/}) get the script's answers. Beside them
 * it has keys with budgets, limits, models and blocks ({@code /key/generate}, {@code info}, {@code update}, {@code block}, {@code unblock},
 * {@code delete}), {@code /spend/logs}, {@code /v1/models}, {@code /model_group/info}, {@code /health/liveliness} and {@code
 * /health/readiness}. A key that it never heard of is let in, without limits, until {@link #requireKeys}; anything else is 404. Tokens
 * are words.
 *
 * <p>Thread-safe. Its threads are daemons; {@link #close} ends all connections.
 */
public final class FakeGateway implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FakeGateway.class);

    /** What one request gets: a {@link GatewayReply}, a {@link GatewayRefusal}, or anything that a test writes by itself. */
    @FunctionalInterface
    public interface Answer {
        /**
         * Writes the answer; called on the thread of the connection. The next request on this connection is read when it returns.
         *
         * @throws Exception closes the connection; what is no {@link IOException} is also logged as a warning
         */
        void play(Exchange exchange) throws Exception;
    }

    /**
     * A request as it came.
     *
     * @param line method, target and version
     * @param headers by name in lower case, the last of several with one name
     * @param body the empty text for none
     */
    public record Received(String line, Map<String, String> headers, String body) {
        public String method() {
            return line.split(" ", 3)[0];
        }

        /** The path without its query. */
        public String path() {
            return target().split("\\?", 2)[0];
        }

        String target() {
            String[] parts = line.split(" ", 3);
            return parts.length > 1 ? parts[1] : "";
        }

        /**
         * The body.
         *
         * @throws IllegalArgumentException when it is no JSON
         */
        public Json json() {
            return Json.parse(body);
        }

        /** The key it shows, without {@code Bearer}; the empty text for none. */
        public String key() {
            return GatewayState.key(headers);
        }

        /** The line and the length of the body: no key and no content. */
        @Override
        public String toString() {
            return line + " (" + body.length() + " characters)";
        }
    }

    private final ServerSocket server;
    private final GatewayState state = new GatewayState();
    private final Management management = new Management(state);
    private final Answer answer;
    private final List<Received> received = Collections.synchronizedList(new ArrayList<>());
    private final List<Socket> sockets = Collections.synchronizedList(new ArrayList<>());
    private final CountDownLatch closed = new CountDownLatch(1);

    private FakeGateway(Function<FakeGateway, Answer> answer) {
        this.answer = answer.apply(this);
        try {
            server = new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        daemon("accept", this::accept);
    }

    /**
     * One answer per model call that is let in, in the order of the calls. Each further call is refused with status 400 and a message that
     * says so, which no client tries again.
     */
    public static FakeGateway start(Answer... script) {
        List<Answer> answers = List.of(script);
        AtomicInteger calls = new AtomicInteger();
        return answering(request -> {
            int call = calls.getAndIncrement();
            return call < answers.size() ? answers.get(call) : GatewayRefusal.endOfScript(answers.size());
        });
    }

    /** The answer that the function gives for each model call that is let in; it is called on the threads of the connections. */
    public static FakeGateway answering(Function<Received, Answer> script) {
        return new FakeGateway(gateway -> exchange -> gateway.route(exchange, script));
    }

    /** Every request, whatever its path and its key, gets this answer; nothing is remembered but the requests. */
    public static FakeGateway raw(Answer answer) {
        return new FakeGateway(gateway -> answer);
    }

    /** Where it listens, without a slash at the end. */
    public String url() {
        return "http://127.0.0.1:" + server.getLocalPort();
    }

    /** All requests so far, oldest first. */
    public List<Received> received() {
        synchronized (received) {
            return List.copyOf(received);
        }
    }

    /** How many connections were made so far. */
    public int connections() {
        return sockets.size();
    }

    // ---- keys and money

    /** The key that may use the management API. */
    public String masterKey() {
        return GatewayState.MASTER_KEY;
    }

    /**
     * Mints a key, as {@code POST /key/generate} does.
     *
     * @param fields by LiteLLM's names; those that have an effect are {@code key}, {@code max_budget}, {@code rpm_limit}, {@code
     *     tpm_limit}, {@code max_parallel_requests}, {@code models}, {@code duration}, {@code blocked}, {@code spend}, {@code user_id} and
     *     {@code key_alias}. Limits count in fixed windows of a minute; {@code max_tokens} of a request counts before it
     * @return the key
     */
    public String newKey(Map<String, ?> fields) {
        return state.mint(Json.of(fields));
    }

    /**
     * What a key has spent so far, in US dollars; 0 for an unknown key. Replies that came to their end count, and such that were cut, reset
     * or stalled on their way; failures do not. A stream counts before its last chunk is sent.
     */
    public BigDecimal spent(String key) {
        return BigDecimal.valueOf(state.spent(key));
    }

    /** Refuses requests without a key and with one that was not minted here. */
    public FakeGateway requireKeys() {
        state.requireKeys();
        return this;
    }

    /** The models it has: any other is refused. At the start any is taken and none is listed. */
    public FakeGateway models(String... names) {
        state.models(List.of(names));
        return this;
    }

    /** US dollars for a token of the prompt and of the completion; at the start 0.00001 and 0.00003. */
    public FakeGateway prices(String prompt, String completion) {
        state.prices(Double.parseDouble(prompt), Double.parseDouble(completion));
        return this;
    }

    /** The clock for limits, expiry, the spend log and all times in answers; at the start the system's. */
    public FakeGateway clock(InstantSource clock) {
        state.clock(clock);
        return this;
    }

    /** How long after a call its row is in {@code /spend/logs}; at the start no time. LiteLLM writes every 10 s or so. */
    public FakeGateway spendLogDelay(Duration delay) {
        state.spendLogDelay(delay);
        return this;
    }

    /** Keys and spend are refused from now on, as by a gateway without a database. */
    public FakeGateway withoutDatabase() {
        state.withoutDatabase();
        return this;
    }

    // ---- serving

    private void route(Exchange exchange, Function<Received, Answer> script) throws Exception {
        Received request = exchange.request();
        boolean model = request.method().equals("POST")
                && (request.path().startsWith("/v1/") || request.path().equals("/chat/completions"));
        if (!model) {
            exchange.send(management.answer(request.method(), request.target(), request.headers(), request.body()));
            return;
        }
        Optional<Refused> refused = exchange.call().model().isEmpty() && !isJson(request)
                ? Optional.of(Refusals.badJson(request.body().length()))
                : state.admit(exchange.call());
        if (refused.isPresent()) {
            exchange.refuse(refused.get());
            return;
        }
        try {
            script.apply(request).play(exchange);
        } finally {
            state.ended(exchange.call());
        }
    }

    private static boolean isJson(Received request) {
        try {
            return request.json().isObject();
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = server.accept();
                socket.setTcpNoDelay(true);
                sockets.add(socket);
                if (closed.getCount() == 0) {
                    socket.close();
                }
                daemon("serve", () -> serve(socket));
            }
        } catch (IOException e) {
            closed.countDown();
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            InputStream in = new BufferedInputStream(socket.getInputStream());
            for (HttpRequest read = HttpRequest.read(in); read != null; read = HttpRequest.read(in)) {
                Received request = new Received(read.line(), read.headers(), read.body());
                received.add(request);
                Exchange exchange = new Exchange(request, socket, this);
                answer.play(exchange);
                if (exchange.last()) {
                    return;
                }
            }
        } catch (IOException e) {
            LOG.trace("connection to the fake gateway ended", e);
        } catch (Exception | AssertionError e) {
            LOG.warn("an answer of the fake gateway failed", e);
        }
    }

    private static void daemon(String name, Runnable work) {
        Thread thread = new Thread(work, "fake-gateway-" + name);
        thread.setDaemon(true);
        thread.start();
    }

    /** Ends all connections and everything that waits. May be repeated. */
    @Override
    public void close() {
        closed.countDown();
        try {
            server.close();
            synchronized (sockets) {
                for (Socket socket : sockets) {
                    socket.close();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * One request and the connection it came on. What it writes is sent at once. Confined to the thread of its connection.
     *
     * <p>Each method that writes throws {@link IOException} when the client is gone or the gateway is closed.
     */
    public static final class Exchange {
        private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern(
                        "EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH)
                .withZone(ZoneOffset.UTC);

        private final Received request;
        private final Socket socket;
        private final OutputStream out;
        private final FakeGateway gateway;
        private final Call call;

        private Exchange(Received request, Socket socket, FakeGateway gateway) throws IOException {
            this.request = request;
            this.socket = socket;
            this.out = socket.getOutputStream();
            this.gateway = gateway;
            this.call = Call.of(request.headers(), request.key(), request.body());
        }

        public Received request() {
            return request;
        }

        /** Whether the body asks for a stream. */
        public boolean streamed() {
            return call.stream();
        }

        /** Writes bytes as they are. */
        public Exchange raw(byte[] bytes) throws IOException {
            out.write(bytes);
            out.flush();
            return this;
        }

        /** Writes a text as UTF-8 and nothing around it. */
        public Exchange raw(String text) throws IOException {
            return raw(text.getBytes(StandardCharsets.UTF_8));
        }

        /** Writes a text a byte at a time, so that characters and lines arrive in pieces. */
        public Exchange drip(String text, Duration pause) throws IOException, InterruptedException {
            for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
                raw(new byte[] {one}).pause(pause);
            }
            return this;
        }

        /** A whole answer. {@code headers} are lines. */
        public void whole(int status, String type, String body, String... headers) throws IOException {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            raw(head(status, type, headers) + "content-length: " + bytes.length + "\r\n\r\n")
                    .raw(bytes);
        }

        /** A whole answer of status 200 with JSON. */
        public void json(String body, String... headers) throws IOException {
            whole(200, "application/json", body, headers);
        }

        /** Begins a stream of events; {@link #end} ends it. */
        public Exchange stream(String... headers) throws IOException {
            return raw(head(200, "text/event-stream", headers) + "transfer-encoding: chunked\r\n\r\n");
        }

        /** A piece of a stream. */
        public Exchange chunk(String text) throws IOException {
            return raw(chunked(text));
        }

        /** A piece of a stream with one event. */
        public Exchange event(String data) throws IOException {
            return chunk("data: " + data + "\n\n");
        }

        /** The event with which a message begins. */
        public Exchange role() throws IOException {
            return event(
                    "{\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}");
        }

        /** An event with a piece of the message. */
        public Exchange text(String text) throws IOException {
            return event("{\"choices\":[{\"index\":0,\"delta\":{\"content\":" + Json.of(text) + "}}]}");
        }

        /** The events that end a message: the reason, 3 and 2 tokens for 0.0001 dollars, the mark, the end of the body. */
        public void done() throws IOException {
            event("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],"
                            + "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"cost\":1e-4}}")
                    .event("[DONE]")
                    .end();
        }

        /** Ends the body of a stream, without any mark. */
        public void end() throws IOException {
            raw("0\r\n\r\n");
        }

        /** Closes the connection. */
        public void cut() throws IOException {
            socket.close();
        }

        /** Resets the connection: the client may lose what it has not read yet. */
        public void reset() throws IOException {
            socket.setSoLinger(true, 0);
            socket.close();
        }

        /** Says no more until the gateway is closed. */
        public void stall() throws InterruptedException {
            gateway.closed.await();
        }

        /** Waits. */
        public Exchange pause(Duration length) throws IOException, InterruptedException {
            if (!length.isZero() && gateway.closed.await(length.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new IOException("the gateway is closed");
            }
            return this;
        }

        Call call() {
            return call;
        }

        GatewayState state() {
            return gateway.state;
        }

        boolean last() {
            return socket.isClosed() || closing();
        }

        void refuse(Refused refused) throws IOException {
            send(gateway.state.whole(call, refused));
        }

        void send(Whole whole) throws IOException {
            raw(wholeHead(whole) + whole.body());
        }

        /** Everything before the body, as LiteLLM orders it. */
        String wholeHead(Whole whole) {
            List<String> lines = start(whole.status());
            lines.addAll(whole.before());
            lines.add("content-length: " + whole.body().getBytes(StandardCharsets.UTF_8).length);
            lines.add("content-type: application/json");
            lines.addAll(whole.after());
            return ended(lines);
        }

        /** Everything before the first event, as LiteLLM orders it. */
        String streamHead(List<String> headers) {
            List<String> lines = start(200);
            lines.addAll(headers);
            lines.add("cache-control: no-cache");
            lines.add("x-accel-buffering: no");
            lines.add("content-type: text/event-stream; charset=utf-8");
            return ended(lines, "Transfer-Encoding: chunked");
        }

        static String chunked(String text) {
            return Integer.toHexString(text.getBytes(StandardCharsets.UTF_8).length) + "\r\n" + text + "\r\n";
        }

        private List<String> start(int status) {
            return new ArrayList<>(List.of(
                    "HTTP/1.1 " + status + " " + reason(status),
                    "date: " + DATE.format(gateway.state.now()),
                    "server: uvicorn"));
        }

        private String ended(List<String> lines, String... more) {
            lines.add("x-frame-options: DENY");
            lines.add("content-security-policy: frame-ancestors 'none'");
            lines.add("x-content-type-options: nosniff");
            lines.addAll(Arrays.asList(more));
            if (closing()) {
                lines.add("Connection: close");
            }
            return String.join("\r\n", lines) + "\r\n\r\n";
        }

        private boolean closing() {
            return request.headers().getOrDefault("connection", "").equalsIgnoreCase("close");
        }

        private static String head(int status, String type, String... headers) {
            List<String> lines = new ArrayList<>();
            lines.add("HTTP/1.1 " + status + " " + reason(status));
            lines.add("content-type: " + type);
            lines.addAll(Arrays.asList(headers));
            return String.join("\r\n", lines) + "\r\n";
        }

        private static String reason(int status) {
            return switch (status) {
                case 200 -> "OK";
                case 307 -> "Temporary Redirect";
                case 400 -> "Bad Request";
                case 401 -> "Unauthorized";
                case 403 -> "Forbidden";
                case 404 -> "Not Found";
                case 405 -> "Method Not Allowed";
                case 408 -> "Request Timeout";
                case 422 -> "Unprocessable Entity";
                case 429 -> "Too Many Requests";
                case 500 -> "Internal Server Error";
                case 502 -> "Bad Gateway";
                case 503 -> "Service Unavailable";
                case 504 -> "Gateway Timeout";
                default -> "Status";
            };
        }
    }
}
