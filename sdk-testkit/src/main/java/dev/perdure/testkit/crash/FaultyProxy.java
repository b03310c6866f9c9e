package dev.perdure.testkit.crash;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stands between processes and a server and hands on their bytes, but for some connections, in which something happens once: which ones, when and
 * what follows from the seed and the number of the connection. Thread-safe.
 */
final class FaultyProxy implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FaultyProxy.class);
    private static final List<Fault> FAULTS = List.of(Fault.values());
    private static final int CHUNK = 16_384;
    /** A connection is hit at one of its first so many requests: in its greeting, or in its work. */
    private static final int LATEST = 40;

    /** What may happen to a connection at a request. */
    enum Fault {
        /** It is cut before the server sees anything of the request. */
        CUT,
        /** The server sees half of the request, then the end. */
        CUT_IN_REQUEST,
        /** The server gets the request and answers; the client sees the connection end instead of the answer. */
        CUT_BEFORE_ANSWER,
        /** As before, but the client sees half of the answer. */
        CUT_IN_ANSWER,
        /** As {@link #CUT_BEFORE_ANSWER}, by a reset. */
        RESET_BEFORE_ANSWER,
        /** The client sees the end and the server does not, until the client closes. */
        END_TO_CLIENT,
        /** The server sees the end after the request, and the client whatever it still answers. */
        END_TO_SERVER,
        /** The server gets the request late. */
        LATE_REQUEST,
        /** The client gets the answer late. */
        LATE_ANSWER
    }

    /**
     * What is to happen to a connection.
     *
     * @param request at which it happens, from 1; 0 for never
     */
    record Plan(int request, Fault fault, long delayMillis) {
        static Plan of(long seed, int connection, double share, long longestMillis) {
            // Not Random, whose first numbers are much the same for neighbours.
            SplittableRandom random = new SplittableRandom(seed * 1_000_033 + connection);
            boolean hit = random.nextDouble() < share;
            int request = 1 + random.nextInt(LATEST);
            Fault fault = FAULTS.get(random.nextInt(FAULTS.size()));
            long delay = 1 + (long) (random.nextDouble() * longestMillis);
            return new Plan(hit ? request : 0, fault, delay);
        }
    }

    private final InetSocketAddress server;
    private final long seed;
    private final double share;
    private final long longestMillis;
    private final ServerSocket listener;
    private final AtomicInteger connections = new AtomicInteger();
    private final Map<Fault, Integer> faults = new ConcurrentHashMap<>();
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private volatile boolean quiet;

    /**
     * @param share of the connections, 0 to 1, that are hit
     * @param longestMillis of a delay
     */
    FaultyProxy(InetSocketAddress server, long seed, double share, long longestMillis) {
        this.server = server;
        this.seed = seed;
        this.share = share;
        this.longestMillis = longestMillis;
        try {
            this.listener = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        start("crash-proxy", this::accept);
    }

    InetSocketAddress address() {
        return new InetSocketAddress(listener.getInetAddress(), listener.getLocalPort());
    }

    /** What happened so far. */
    Map<Fault, Integer> faults() {
        return Map.copyOf(faults);
    }

    /** From here on nothing happens any more. */
    void quiet() {
        quiet = true;
    }

    private static void start(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                open.add(client);
                Plan plan = Plan.of(seed, connections.incrementAndGet(), share, longestMillis);
                start("crash-proxy-requests", () -> connect(client, plan));
            } catch (IOException e) {
                LOG.debug("no connection", e);
            }
        }
    }

    private void connect(Socket client, Plan plan) {
        try (client;
                Socket upstream = new Socket()) {
            open.add(upstream);
            upstream.connect(server);
            upstream.setTcpNoDelay(true);
            client.setTcpNoDelay(true);
            Connection connection = new Connection(client, upstream, plan);
            Thread answers = new Thread(connection::answers, "crash-proxy-answers");
            answers.setDaemon(true);
            answers.start();
            connection.requests();
            join(answers);
            open.remove(upstream);
        } catch (IOException e) {
            LOG.debug("a connection ended", e);
        } finally {
            open.remove(client);
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** One connection; each direction is on a thread of its own. */
    private final class Connection {
        private final Socket client;
        private final Socket upstream;
        private final Plan plan;
        /** What happens at the next answer. */
        private volatile boolean answerIsHit;

        Connection(Socket client, Socket upstream, Plan plan) {
            this.client = client;
            this.upstream = upstream;
            this.plan = plan;
        }

        void requests() {
            byte[] bytes = new byte[CHUNK];
            try {
                InputStream in = client.getInputStream();
                OutputStream out = upstream.getOutputStream();
                int count = 0;
                for (int n = in.read(bytes); n >= 0; n = in.read(bytes)) {
                    if (++count == plan.request() && !quiet) {
                        faults.merge(plan.fault(), 1, Integer::sum);
                        request(bytes, n, out);
                    } else {
                        out.write(bytes, 0, n);
                    }
                }
                upstream.shutdownOutput();
            } catch (IOException e) {
                cut();
            }
        }

        private void request(byte[] bytes, int n, OutputStream out) throws IOException {
            switch (plan.fault()) {
                case CUT -> cut();
                case CUT_IN_REQUEST -> {
                    out.write(bytes, 0, n / 2);
                    cut();
                }
                case END_TO_CLIENT -> {
                    client.shutdownOutput();
                    out.write(bytes, 0, n);
                }
                case END_TO_SERVER -> {
                    out.write(bytes, 0, n);
                    upstream.shutdownOutput();
                }
                case LATE_REQUEST -> {
                    Pauses.sleep(plan.delayMillis());
                    out.write(bytes, 0, n);
                }
                case CUT_BEFORE_ANSWER, CUT_IN_ANSWER, RESET_BEFORE_ANSWER, LATE_ANSWER -> {
                    // First: the answer may be there before this thread goes on.
                    answerIsHit = true;
                    out.write(bytes, 0, n);
                }
            }
        }

        void answers() {
            byte[] bytes = new byte[CHUNK];
            try {
                InputStream in = upstream.getInputStream();
                OutputStream out = client.getOutputStream();
                for (int n = in.read(bytes); n >= 0; n = in.read(bytes)) {
                    if (answerIsHit) {
                        answerIsHit = false;
                        answer(bytes, n, out);
                    } else {
                        out.write(bytes, 0, n);
                    }
                }
                client.shutdownOutput();
            } catch (IOException e) {
                cut();
            }
        }

        private void answer(byte[] bytes, int n, OutputStream out) throws IOException {
            switch (plan.fault()) {
                case CUT_IN_ANSWER -> {
                    out.write(bytes, 0, n / 2);
                    cut();
                }
                case RESET_BEFORE_ANSWER -> {
                    client.setSoLinger(true, 0);
                    upstream.setSoLinger(true, 0);
                    cut();
                }
                case LATE_ANSWER -> {
                    Pauses.sleep(plan.delayMillis());
                    out.write(bytes, 0, n);
                }
                default -> cut();
            }
        }

        private void cut() {
            closeQuietly(client);
            closeQuietly(upstream);
        }
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            LOG.debug("not closed in good order", e);
        }
    }

    @Override
    public void close() {
        try {
            listener.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        open.forEach(FaultyProxy::closeQuietly);
    }
}
