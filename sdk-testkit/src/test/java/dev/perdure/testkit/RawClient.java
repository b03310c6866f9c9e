package dev.perdure.testkit;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Asks on a socket, so that every byte of the answer is seen. */
final class RawClient {
    private final int port;

    RawClient(FakeGateway gateway) {
        port = URI.create(gateway.url()).getPort();
    }

    /** The whole answer to the one request of a connection. */
    byte[] ask(String method, String target, String key, String body, String... headers) throws IOException {
        try (Socket socket = open()) {
            socket.getOutputStream().write(request(method, target, key, body, headers));
            return socket.getInputStream().readAllBytes();
        }
    }

    Socket open() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), port);
    }

    static byte[] request(String method, String target, String key, String body, String... headers) {
        String authorization = key.isEmpty() ? "" : "Authorization: Bearer " + key + "\r\n";
        String more = headers.length == 0 ? "" : String.join("\r\n", headers) + "\r\n";
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        return (method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + authorization + more + "Content-Length: "
                        + bytes.length + "\r\nConnection: close\r\n\r\n" + body)
                .getBytes(StandardCharsets.UTF_8);
    }

    byte[] chat(String key, String body) throws IOException {
        return ask("POST", "/v1/chat/completions", key, body);
    }

    static String body(String model, String text, Map<String, String> more) {
        StringBuilder body = new StringBuilder("{\"model\":\"" + model + "\"");
        more.forEach(
                (name, value) -> body.append(",\"").append(name).append("\":").append(value));
        return body.append(",\"messages\":[{\"role\":\"user\",\"content\":\"")
                .append(text)
                .append("\"}]}")
                .toString();
    }
}
