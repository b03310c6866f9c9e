package dev.perdure.session.jdbc;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A TCP proxy before a server, which can do to its connections what networks do. Thread-safe. */
final class TcpProxy implements AutoCloseable {
    /** What happens to one request, and to its connection. */
    enum Fault {
        /** The request never reaches the server. */
        CUT_BEFORE,
        /** The server has carried it out; its answer is lost, and the connection reset. */
        CUT_AFTER,
        /** The same, but the connection is half-closed: the client sees its orderly end and may go on sending. */
        HALF_CLOSE_AFTER
    }

    private record Armed(String request, Fault fault) {}

    private volatile int target;
    private final ServerSocket server;
    private final Set<Link> links = ConcurrentHashMap.newKeySet();
    private final AtomicReference<@Nullable Armed> armed = new AtomicReference<>();
    private final AtomicInteger struck = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();
    private volatile boolean refusing;
    private volatile boolean silent;
    private volatile long delayMillis;

    TcpProxy(int target) {
        this.target = target;
        try {
            this.server = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        start(this::accept);
    }

    /** Where new connections lead to from here on. */
    void target(int port) {
        target = port;
    }

    int port() {
        return server.getLocalPort();
    }

    /** The server is away: what is open is cut, what is new is refused. */
    void down() {
        refusing = true;
        links.forEach(Link::reset);
    }

    /** Packets vanish, both ways; connections stay open. */
    void silence() {
        silent = true;
    }

    void delay(long millis) {
        delayMillis = millis;
    }

    void up() {
        refusing = false;
        silent = false;
        delayMillis = 0;
    }

    /** Does it to the next request that contains the text, once. */
    void strike(String request, Fault fault) {
        armed.set(new Armed(request, fault));
    }

    /** How many requests were struck. */
    int struck() {
        return struck.get();
    }

    /** How many connections were refused, and requests swallowed. */
    int refused() {
        return refused.get();
    }

    private static void start(Runnable work) {
        Thread thread = new Thread(work, "proxy");
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                if (refusing) {
                    refused.incrementAndGet();
                    client.setSoLinger(true, 0);
                    client.close();
                } else {
                    Link link = new Link(client, new Socket("127.0.0.1", target));
                    links.add(link);
                    start(link::toServer);
                    start(link::toClient);
                }
            } catch (IOException e) {
                // Closed, or the server is away: whoever connects finds out.
                LockSupport.parkNanos(1_000_000);
            }
        }
    }

    /** One connection. */
    private final class Link {
        private final Socket client;
        private final Socket server;
        private volatile @Nullable Fault atAnswer;

        Link(Socket client, Socket server) {
            this.client = client;
            this.server = server;
        }

        void toServer() {
            forward(client, server, chunk -> {
                Armed strike = armed.get();
                if (strike == null || !contains(chunk, strike.request()) || !armed.compareAndSet(strike, null)) {
                    return true;
                }
                struck.incrementAndGet();
                if (strike.fault() == Fault.CUT_BEFORE) {
                    reset();
                    return false;
                }
                atAnswer = strike.fault();
                return true;
            });
        }

        void toClient() {
            forward(server, client, chunk -> {
                Fault fault = atAnswer;
                if (fault == null) {
                    return true;
                }
                if (!isReady(chunk)) {
                    // Only the end of the answer says that the server has committed.
                    return false;
                }
                if (fault == Fault.CUT_AFTER) {
                    reset();
                } else {
                    client.shutdownOutput();
                }
                return false;
            });
        }

        private void forward(Socket from, Socket to, Filter filter) {
            byte[] buffer = new byte[65_536];
            try {
                InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream();
                for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                    LockSupport.parkNanos(delayMillis * 1_000_000);
                    if (silent) {
                        refused.incrementAndGet();
                    } else if (filter.passes(Arrays.copyOf(buffer, count))) {
                        out.write(buffer, 0, count);
                        out.flush();
                    }
                }
                reset();
            } catch (IOException e) {
                reset();
            }
        }

        void reset() {
            links.remove(this);
            for (Socket socket : new Socket[] {client, server}) {
                try {
                    socket.setSoLinger(true, 0);
                    socket.close();
                } catch (IOException e) {
                    // It is gone already.
                }
            }
        }
    }

    private interface Filter {
        boolean passes(byte[] chunk) throws IOException;
    }

    private static boolean contains(byte[] chunk, String text) {
        return new String(chunk, StandardCharsets.ISO_8859_1).contains(text);
    }

    /** PostgreSQL's ReadyForQuery, outside of a transaction. */
    private static boolean isReady(byte[] chunk) {
        byte[] ready = {'Z', 0, 0, 0, 5, 'I'};
        return chunk.length >= ready.length
                && Arrays.equals(Arrays.copyOfRange(chunk, chunk.length - ready.length, chunk.length), ready);
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        links.forEach(Link::reset);
    }
}
