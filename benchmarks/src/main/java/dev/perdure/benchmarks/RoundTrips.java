package dev.perdure.benchmarks;

import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import javax.net.SocketFactory;

/**
 * Counts round trips on the wire: each time something is sent after something was received. Makes each of them longer, when it is told by how much, as if the
 * server were further away. Named to the PostgreSQL driver as its {@code socketFactory}.
 */
public final class RoundTrips extends SocketFactory {
    private static final AtomicLong COUNT = new AtomicLong();

    private final long delayNanos;

    /** The driver makes it. */
    public RoundTrips() {
        this("0");
    }

    /**
     * The driver makes it.
     *
     * @param delayMicros of each round trip; the {@code socketFactoryArg}
     */
    public RoundTrips(String delayMicros) {
        this.delayNanos = TimeUnit.MICROSECONDS.toNanos(Long.parseLong(delayMicros));
    }

    static long count() {
        return COUNT.get();
    }

    @Override
    public Socket createSocket() {
        return new Counting(delayNanos);
    }

    @Override
    public Socket createSocket(String host, int port) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localHost, int localPort) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Socket createSocket(InetAddress host, int port) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort) {
        throw new UnsupportedOperationException();
    }

    private static final class Counting extends Socket {
        private final long delayNanos;
        private boolean received = true;

        Counting(long delayNanos) {
            this.delayNanos = delayNanos;
        }

        @Override
        public InputStream getInputStream() throws IOException {
            return new FilterInputStream(super.getInputStream()) {
                @Override
                public int read(byte[] bytes, int offset, int length) throws IOException {
                    int read = super.read(bytes, offset, length);
                    received = true;
                    return read;
                }
            };
        }

        @Override
        public OutputStream getOutputStream() throws IOException {
            return new FilterOutputStream(super.getOutputStream()) {
                @Override
                public void write(byte[] bytes, int offset, int length) throws IOException {
                    if (received) {
                        COUNT.incrementAndGet();
                        received = false;
                        LockSupport.parkNanos(delayNanos);
                    }
                    out.write(bytes, offset, length);
                }
            };
        }
    }
}
