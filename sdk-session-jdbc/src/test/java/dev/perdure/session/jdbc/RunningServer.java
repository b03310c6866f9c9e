package dev.perdure.session.jdbc;

import dev.perdure.testkit.crash.CrashServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** A server that other tests use too, so that it is not killed. */
record RunningServer(int port) implements CrashServer {
    @Override
    public InetSocketAddress address() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    @Override
    public void kill() {
        throw new UnsupportedOperationException("other tests use this server");
    }

    @Override
    public void start() {
        throw new UnsupportedOperationException("other tests use this server");
    }
}
