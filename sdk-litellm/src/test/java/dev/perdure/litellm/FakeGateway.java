package dev.perdure.litellm;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;

/**
 * A FAKE gateway on a raw socket, for what the real one cannot be made to do: streams without their end mark, cuts and resets of
 * its own connections, silence, bytes one at a time, HTML, redirects. What a real gateway says is tested with recordings and in
 * {@link LiteLlmIT}.
 */
final class FakeGateway implements Closeable {
    /** Plays an answer. Throwing closes the connection. */
    interface Answer {
        void play(Exchange exchange) throws Exception;
    }

    /** A request as it came. */
    record Received(String line, Map<String, String> headers, String body) {}

    private final ServerSocket server;
    private final Answer answer;
    private final List<Received> received = Collections.synchronizedList(new ArrayList<>());
    private final List<Socket> sockets = Collections.synchronizedList(new ArrayList<>());
    private final CountDownLatch closed = new CountDownLatch(1);

    FakeGateway(Answer answer) {
        this.answer = answer;
        try {
            server = new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        start("accept", this::accept);
    }

    String url() {
        return "http://127.0.0.1:" + server.getLocalPort();
    }

    List<Received> received() {
        synchronized (received) {
            return List.copyOf(received);
        }
    }

    int connections() {
        return sockets.size();
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = server.accept();
                socket.setTcpNoDelay(true);
                sockets.add(socket);
                start("serve", () -> serve(socket));
            }
        } catch (IOException e) {
            closed.countDown();
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            InputStream in = new BufferedInputStream(socket.getInputStream());
            for (Received request = read(in); request != null; request = read(in)) {
                received.add(request);
                answer.play(new Exchange(request, socket, closed));
            }
        } catch (Exception e) {
            // The client went away, or the answer wanted an end like this.
        }
    }

    private static Received read(InputStream in) throws IOException {
        String line = line(in);
        if (line.isEmpty()) {
            return null;
        }
        Map<String, String> headers = new TreeMap<>();
        for (String header = line(in); !header.isEmpty(); header = line(in)) {
            int colon = header.indexOf(':');
            headers.put(
                    header.substring(0, colon).toLowerCase(Locale.ROOT),
                    header.substring(colon + 1).trim());
        }
        int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
        return new Received(line, headers, new String(in.readNBytes(length), StandardCharsets.UTF_8));
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    private static void start(String name, Runnable work) {
        Thread thread = new Thread(work, "fake-gateway-" + name);
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        server.close();
        closed.countDown();
        synchronized (sockets) {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }

    /** One request to be answered. */
    static final class Exchange {
        final Received request;
        private final Socket socket;
        private final OutputStream out;
        private final CountDownLatch closed;

        Exchange(Received request, Socket socket, CountDownLatch closed) throws IOException {
            this.request = request;
            this.socket = socket;
            this.out = socket.getOutputStream();
            this.closed = closed;
        }

        boolean streamed() {
            return request.body().contains("\"stream\":true");
        }

        Exchange raw(String text) throws IOException {
            return raw(text.getBytes(StandardCharsets.UTF_8));
        }

        Exchange raw(byte[] bytes) throws IOException {
            out.write(bytes);
            out.flush();
            return this;
        }

        void whole(int status, String type, String body, String... headers) throws IOException {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            raw(head(status, type, headers) + "content-length: " + bytes.length + "\r\n\r\n");
            raw(bytes);
        }

        void json(String body, String... headers) throws IOException {
            whole(200, "application/json", body, headers);
        }

        Exchange stream(String... headers) throws IOException {
            return raw(head(200, "text/event-stream", headers) + "transfer-encoding: chunked\r\n\r\n");
        }

        Exchange chunk(String text) throws IOException {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            raw(Integer.toHexString(bytes.length) + "\r\n");
            return raw(bytes).raw("\r\n");
        }

        Exchange event(String json) throws IOException {
            return chunk("data: " + json + "\n\n");
        }

        Exchange text(String text) throws IOException {
            return event("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + text + "\"}}]}");
        }

        Exchange role() throws IOException {
            return event(
                    "{\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}");
        }

        void done() throws IOException {
            event("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],"
                            + "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"cost\":1e-4}}")
                    .event("[DONE]")
                    .end();
        }

        void end() throws IOException {
            raw("0\r\n\r\n");
        }

        void cut() throws IOException {
            socket.close();
        }

        void reset() throws IOException {
            socket.setSoLinger(true, 0);
            socket.close();
        }

        /** Says no more until the test is over. */
        void stall() throws InterruptedException {
            closed.await();
        }

        private static String head(int status, String type, String... headers) {
            StringBuilder head = new StringBuilder("HTTP/1.1 " + status + " X\r\ncontent-type: " + type + "\r\n");
            for (String header : headers) {
                head.append(header).append("\r\n");
            }
            return head.toString();
        }
    }
}
