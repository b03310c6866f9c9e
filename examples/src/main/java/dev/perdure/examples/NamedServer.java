package dev.perdure.examples;

import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;

/** A server that was named with {@code --url}: it is used, and left as it is. Its sessions stay: whoever found a violation wants to look at them. */
record NamedServer(String url, int defaultPort) implements ChaosServer {
    NamedServer {
        InetSocketAddress address = ChaosServer.address(url, defaultPort);
        try (Connection connection = DriverManager.getConnection(url)) {
            connection.getMetaData();
        } catch (SQLException e) {
            throw new IllegalArgumentException(
                    "--url leads to " + address.getHostString() + ":" + address.getPort()
                            + ", where no server lets this in ("
                            + String.valueOf(e.getMessage()).lines().findFirst().orElse("")
                            + "); start it, or name another",
                    e);
        }
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
