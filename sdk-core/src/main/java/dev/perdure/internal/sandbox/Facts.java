package dev.perdure.internal.sandbox;

import dev.perdure.session.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What Java has to know of an execution that perhaps another JVM started.
 *
 * @param limit of each output, in bytes
 * @param mark stands in the outputs where the command ended
 * @param cookie stands in the environment of the command and of all that it starts
 * @param host where it was to run; as in {@link Birth}
 */
record Facts(String id, int limit, String mark, String cookie, String host) {
    static final String FILE = "execution.json";

    static Facts of(Path execution) throws IOException {
        return Json.parse(Files.readString(execution.resolve(FILE))).as(Facts.class);
    }

    void writeTo(Path execution) throws IOException {
        Files.writeString(execution.resolve(FILE), Json.of(this).text());
    }
}
