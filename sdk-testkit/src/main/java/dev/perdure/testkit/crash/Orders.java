package dev.perdure.testkit.crash;

import dev.perdure.session.SessionId;
import dev.perdure.spi.SessionStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What a child is told.
 *
 * @param server how it comes to the server; empty when there is none
 * @param serverFails whether the server may be away for a moment
 * @param slot which of the children that live at a time; a sender's name
 * @param life counts the children of a slot
 * @param senders how many children send at a time; 0 when this one only brings to an end what is there
 */
record Orders(
        String store,
        String server,
        boolean serverFails,
        Path folder,
        int round,
        int slot,
        int life,
        long seed,
        int sessions,
        Duration lease,
        int senders,
        Plan plan) {
    static final String AGENT = "crash-test";

    List<String> arguments() {
        return List.of(
                store,
                server,
                "" + serverFails,
                folder.toString(),
                "" + round,
                "" + slot,
                "" + life,
                "" + seed,
                "" + sessions,
                "" + lease.toMillis(),
                "" + senders,
                plan.text());
    }

    static Orders of(String... arguments) {
        return new Orders(
                arguments[0],
                arguments[1],
                Boolean.parseBoolean(arguments[2]),
                Path.of(arguments[3]),
                Integer.parseInt(arguments[4]),
                Integer.parseInt(arguments[5]),
                Integer.parseInt(arguments[6]),
                Long.parseLong(arguments[7]),
                Integer.parseInt(arguments[8]),
                Duration.ofMillis(Long.parseLong(arguments[9])),
                Integer.parseInt(arguments[10]),
                Plan.parse(arguments[11]));
    }

    static SessionStore open(String store, Path folder, String server) {
        try {
            CrashStore made = Class.forName(store)
                    .asSubclass(CrashStore.class)
                    .getConstructor()
                    .newInstance();
            return made.open(folder.resolve("store"), server);
        } catch (ReflectiveOperationException | ClassCastException e) {
            throw new IllegalArgumentException(
                    store + " is no public class with a public constructor without arguments that is a CrashStore", e);
        }
    }

    Round current() {
        return new Round(folder, round);
    }

    List<SessionId> targets() {
        return current().sessions(sessions);
    }
}
