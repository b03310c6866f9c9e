package dev.perdure.examples;

import java.net.InetSocketAddress;

/** A server that was named with {@code --url}: it is used, and left as it is. Its sessions stay: whoever found a violation wants to look at them. */
record NamedServer(String url, int defaultPort) implements ChaosServer {
    NamedServer {
        ChaosServer.address(url, defaultPort);
    }

    @Override
    public boolean own() {
        return false;
    }

    @Override
    public InetSocketAddress address() {
        return ChaosServer.address(url, defaultPort);
    }

    @Override
    public void kill() {
        throw new UnsupportedOperationException("not ours");
    }

    @Override
    public void start() {
        throw new UnsupportedOperationException("not ours");
    }

    @Override
    public void close() {}
}
