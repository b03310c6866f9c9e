package dev.perdure.session;

import java.util.UUID;

/** One start of one process (or runtime in it). Never reused: a restarted process is another worker. */
public record WorkerId(String value) {
    public WorkerId {
        Names.require("worker", value, 100);
    }

    public static WorkerId random() {
        return new WorkerId(UUID.randomUUID().toString());
    }

    @Override
    public String toString() {
        return value;
    }
}
