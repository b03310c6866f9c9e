package dev.perdure.benchmarks;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Stands in for a LiteLLM gateway whose model takes no time: a process of its own on loopback, whose answers have the shape and the headers of those that
 * LiteLLM 1.96.2 gave, made before the first request. Which of them comes is decided by the request's model. A stream is one chunk of HTTP for each event, as
 * LiteLLM sends it, as fast as the socket takes them.
 */
final class LoopbackGateway implements AutoCloseable {
    /** Answers at once, in one piece. */
    static final String PLAIN = "bench-plain";
    /** Answers by a stream. */
    static final String STREAM = "bench-stream";
    /** Answers as {@link #PLAIN}, but nobody until {@link #HELD_CALLS} calls are there. */
    static final String HELD = "bench-held";

    static final int HELD_CALLS = 256;
    /** Of a stream: the first has the role, the last but one the finish reason, the last the usage. */
    static final int EVENTS = 1_000;

    static final Answer ANSWER = new Answer("scripted answer to: What is a gateway?", "stop", 7);
    static final Answer STREAMED = new Answer(streamedText(), "stop", EVENTS - 3);
    static final String QUESTION = "What is a gateway?";

    private final Process process;
    private final String url;

    private LoopbackGateway(Process process, String url) {
        this.process = process;
        this.url = url;
    }

    static LoopbackGateway start() throws IOException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-Xmx128m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        LoopbackGateway.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader lines = process.inputReader(StandardCharsets.UTF_8);
        String port = lines.readLine();
        if (port == null) {
            throw new IOException("the gateway ended by itself, see above");
        }
        return new LoopbackGateway(process, "http://127.0.0.1:" + port);
    }

    String url() {
        return url;
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    /** The process itself; ends with the one that started it. */
    public static void main(String[] args) throws Exception {
        ServerSocketChannel server = ServerSocketChannel.open();
        server.bind(new InetSocketAddress("127.0.0.1", 0), HELD_CALLS);
        Thread thread = new Thread(() -> new Loop(server).run(), "gateway");
        thread.setDaemon(true);
        thread.start();
        System.out.println(server.socket().getLocalPort());
        System.out.flush();
        while (System.in.read() >= 0) {
            // nothing is said to it
        }
    }

    private static String word(int event) {
        return "word" + event % 100 + " ";
    }

    private static String streamedText() {
        StringBuilder text = new StringBuilder();
        for (int event = 1; event < EVENTS - 2; event++) {
            text.append(word(event));
        }
        return text.toString();
    }

    /** What is sent, head and body. */
    private static final class Canned {
        private static final String HEAD_OF_BOTH = """
                HTTP/1.1 200 OK
                date: Mon, 23 Nov 2026 01:13:01 GMT
                server: uvicorn
                x-litellm-call-id: 4dd02f33-7892-4020-988e-b1f9bcff19aa
                x-litellm-model-id: dep-scripted
                x-litellm-model-name: openai/ok
                x-litellm-model-api-base: http://127.0.0.1:8002/v1
                x-litellm-version: 1.96.2
                x-litellm-response-cost-original: 0.00025
                x-litellm-response-cost-discount-amount: 0.0
                x-litellm-response-cost-margin-amount: 0.0
                x-litellm-response-cost-margin-percent: 0.0
                x-litellm-key-spend: 0.00025
                x-litellm-response-duration-ms: 1127.549
                x-litellm-overhead-duration-ms: 21.849
                x-litellm-callback-duration-ms: 0.664
                x-ratelimit-limit-requests: 60
                x-ratelimit-remaining-requests: 59
                llm_provider-x-request-id: req-fake-1
                llm_provider-openai-processing-ms: 1
                llm_provider-x-ratelimit-limit-requests: 60
                llm_provider-x-ratelimit-remaining-requests: 59
                x-litellm-model-group: scripted
                x-litellm-attempted-retries: 0
                x-litellm-attempted-fallbacks: 0
                x-frame-options: DENY
                content-security-policy: frame-ancestors 'none'
                x-content-type-options: nosniff
                """;
        static final ByteBuffer PLAIN = direct(plain());
        static final ByteBuffer STREAM = direct(stream());

        private Canned() {}

        private static ByteBuffer direct(byte[] bytes) {
            return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
        }

        private static byte[] plain() {
            String body = """
                    {"id":"chatcmpl-fake-6b0392ad-36","created":1700000000,"model":"scripted","object":"chat.completion",\
                    "system_fingerprint":"fp_fake","choices":[{"finish_reason":"stop","index":0,"message":{"content":"%s",\
                    "role":"assistant","provider_specific_fields":{"refusal":null}},"provider_specific_fields":{}}],\
                    "usage":{"completion_tokens":%d,"prompt_tokens":4,"total_tokens":11}}""".formatted(ANSWER.text(), ANSWER.outputTokens());
            return (head("""
                            content-length: %d
                            content-type: application/json
                            x-litellm-response-cost: 0.00025
                            llm_provider-content-type: application/json
                            llm_provider-content-length: 349
                            """.formatted(body.length())) + body).getBytes(StandardCharsets.US_ASCII);
        }

        private static byte[] stream() {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            bytes.writeBytes(head("""
                    llm_provider-content-type: text/event-stream; charset=utf-8
                    llm_provider-cache-control: no-cache
                    llm_provider-transfer-encoding: chunked
                    cache-control: no-cache
                    x-accel-buffering: no
                    content-type: text/event-stream; charset=utf-8
                    transfer-encoding: chunked
                    """).getBytes(StandardCharsets.US_ASCII));
            for (int event = 0; event < EVENTS; event++) {
                chunk(bytes, "data: " + event(event) + "\n\n");
            }
            chunk(bytes, "data: [DONE]\n\n");
            chunk(bytes, "");
            return bytes.toByteArray();
        }

        private static String head(String more) {
            return (HEAD_OF_BOTH + more + "\n").replace("\n", "\r\n");
        }

        private static void chunk(ByteArrayOutputStream to, String data) {
            String framed = Integer.toHexString(data.length()) + "\r\n" + data + "\r\n";
            to.writeBytes(framed.getBytes(StandardCharsets.US_ASCII));
        }

        private static String event(int number) {
            String choice = switch (EVENTS - number) {
                case EVENTS -> "\"index\":0,\"delta\":{\"content\":\"\",\"role\":\"assistant\"}";
                case 2 -> "\"finish_reason\":\"stop\",\"index\":0,\"delta\":{}";
                case 1 -> "\"index\":0,\"delta\":{}";
                default -> "\"index\":0,\"delta\":{\"content\":\"" + word(number) + "\"}";
            };
            String usage = number < EVENTS - 1
                    ? ""
                    : ",\"usage\":{\"completion_tokens\":" + STREAMED.outputTokens()
                            + ",\"prompt_tokens\":4,\"total_tokens\":" + (STREAMED.outputTokens() + 4)
                            + ",\"completion_tokens_details\":{\"reasoning_tokens\":0},\"cost\":0.00025}";
            return "{\"id\":\"chatcmpl-fake-6b0392ad-37\",\"created\":1795396384,\"model\":\"scripted\","
                    + "\"object\":\"chat.completion.chunk\",\"system_fingerprint\":\"fp_fake\",\"choices\":[{" + choice
                    + "}]" + usage + "}";
        }
    }

    /** All connections on one thread, so that a client's thread finds it on the same processor as the others' threads do. */
    private static final class Loop {
        private final ServerSocketChannel server;
        private final List<Connection> held = new ArrayList<>();

        Loop(ServerSocketChannel server) {
            this.server = server;
        }

        void run() {
            try (Selector selector = Selector.open()) {
                server.configureBlocking(false);
                server.register(selector, SelectionKey.OP_ACCEPT);
                while (true) {
                    selector.select(key -> {
                        if (key.attachment() instanceof Connection connection) {
                            serve(key, connection);
                        } else {
                            accept(selector);
                        }
                    });
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private void accept(Selector selector) {
            try {
                SocketChannel channel = server.accept();
                channel.configureBlocking(false);
                channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
                // Room for a whole stream, so that no client waits for this thread in the middle of one.
                channel.setOption(StandardSocketOptions.SO_SNDBUF, 1 << 20);
                SelectionKey key = channel.register(selector, SelectionKey.OP_READ);
                key.attach(new Connection(channel, key));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private void serve(SelectionKey key, Connection connection) {
            try {
                if (key.isWritable()) {
                    connection.write();
                    return;
                }
                String request = connection.read();
                if (!request.contains(HELD)) {
                    connection.answer(request);
                    return;
                }
                held.add(connection);
                if (held.size() == HELD_CALLS) {
                    for (Connection one : held) {
                        one.answer(PLAIN);
                    }
                    held.clear();
                }
            } catch (IOException e) {
                // the client went away
                connection.close();
            }
        }
    }

    /** Of one client; its requests come one after the other. */
    private static final class Connection {
        private static final String LENGTH = "Content-Length: ";

        private final SocketChannel channel;
        private final SelectionKey key;
        private final ByteBuffer request = ByteBuffer.allocateDirect(64 << 10);
        private ByteBuffer answer = ByteBuffer.allocate(0);

        Connection(SocketChannel channel, SelectionKey key) {
            this.channel = channel;
            this.key = key;
        }

        /** The request when it is whole; empty until then. */
        String read() throws IOException {
            if (channel.read(request) < 0) {
                throw new EOFException();
            }
            String text = StandardCharsets.ISO_8859_1
                    .decode(request.duplicate().flip())
                    .toString();
            int head = text.indexOf("\r\n\r\n");
            if (head < 0 || text.length() < head + 4 + length(text.substring(0, head + 2))) {
                return "";
            }
            request.clear();
            return text;
        }

        private static int length(String head) {
            int at = head.indexOf(LENGTH) + LENGTH.length();
            if (at < LENGTH.length()) {
                throw new IllegalStateException("a request without a length: " + head);
            }
            return Integer.parseInt(head, at, head.indexOf('\r', at), 10);
        }

        void answer(String asked) throws IOException {
            if (!asked.isEmpty()) {
                answer = (asked.contains(STREAM) ? Canned.STREAM : Canned.PLAIN).duplicate();
                write();
            }
        }

        void write() throws IOException {
            channel.write(answer);
            key.interestOps(answer.hasRemaining() ? SelectionKey.OP_WRITE : SelectionKey.OP_READ);
        }

        void close() {
            try {
                channel.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
