package dev.perdure.examples.review;

import dev.perdure.session.SessionId;
import java.nio.file.Path;

/** Where one run of the quickstart keeps its things. */
public record RunFolder(Path path) {
    /** The session that both workers run. */
    public static final SessionId SESSION = SessionId.of("quickstart", "review");

    /** The durable session: a SQLite file. */
    public Path sessions() {
        return path.resolve("sessions.db");
    }

    /** Copies of the files to review, put into the sandbox's workspace. */
    public Path copies() {
        return path.resolve("copies");
    }

    public Path sandboxes() {
        return path.resolve("sandboxes");
    }

    /** The world outside: what {@code record_finding} writes to. */
    public Path findings() {
        return path.resolve("findings.jsonl");
    }

    /** While this file exists, the world outside does not answer. */
    public Path hold() {
        return path.resolve("hold");
    }

    /** What workers were told is durable. */
    public Path announced() {
        return path.resolve("announced.txt");
    }

    public Path report() {
        return path.resolve("report.md");
    }
}
