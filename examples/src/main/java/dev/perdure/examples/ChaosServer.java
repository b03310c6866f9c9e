package dev.perdure.examples;

import dev.perdure.testkit.crash.CrashServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;

/** The server of a run of {@link Chaos}: one that was started for it, or one that was named. */
interface ChaosServer extends CrashServer, AutoCloseable {
    /** Where it is, for JDBC. */
    String url();

    /** Whether it is this run's own, so that it may be killed. */
    boolean own();

    @Override
    void close();

    /** The host and the port of a JDBC URL such as {@code jdbc:postgresql://host:5432/name}. */
    static InetSocketAddress address(String url, int defaultPort) {
        URI uri = uri(url);
        try {
            InetAddress host = InetAddress.getAllByName(uri.getHost())[0];
            return new InetSocketAddress(host, uri.getPort() < 0 ? defaultPort : uri.getPort());
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(
                    "--url names the host " + uri.getHost() + ", which is not known here", e);
        }
    }

    /** The same database through another address. */
    static String through(String server, String url) {
        return url.replace("//" + uri(url).getRawAuthority(), "//" + server);
    }

    private static URI uri(String url) {
        try {
            URI uri = URI.create(url.substring("jdbc:".length()));
            if (url.startsWith("jdbc:") && uri.getHost() != null) {
                return uri;
            }
        } catch (RuntimeException e) {
            // Said below, without what may be a password.
        }
        throw new IllegalArgumentException(
                "--url is a JDBC URL with one host, such as jdbc:postgresql://host:5432/name");
    }
}
