package dev.perdure.testkit.crash;

import dev.perdure.session.SessionId;
import dev.perdure.spi.SessionStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a child is told.
 *
 * @param slot which of the children that live at a time; a sender's name
 * @param life counts the children of a slot
 * @param sending whether it sends inputs; else it only brings to an end what is there
 */
record Orders(
        String store,
        Path folder,
        int slot,
        int life,
        long seed,
        int sessions,
        Duration lease,
        boolean sending,
        Plan plan) {
    static final String AGENT = "crash-test";
    private static final String TENANT = "crash";

    List<String> arguments() {
        return List.of(
                store,
                folder.toString(),
                "" + slot,
                "" + life,
                "" + seed,
                "" + sessions,
                "" + lease.toMillis(),
                "" + sending,
                plan.text());
    }

    static Orders of(String... arguments) {
        return new Orders(
                arguments[0],
                Path.of(arguments[1]),
                Integer.parseInt(arguments[2]),
                Integer.parseInt(arguments[3]),
                Long.parseLong(arguments[4]),
                Integer.parseInt(arguments[5]),
                Duration.ofMillis(Long.parseLong(arguments[6])),
                Boolean.parseBoolean(arguments[7]),
                Plan.parse(arguments[8]));
    }

    static SessionStore open(String store, Path folder) {
        try {
            CrashStore made = Class.forName(store)
                    .asSubclass(CrashStore.class)
                    .getConstructor()
                    .newInstance();
            return made.open(folder.resolve("store"));
        } catch (ReflectiveOperationException | ClassCastException e) {
            throw new IllegalArgumentException(
                    store + " is no public class with a public constructor without arguments that is a CrashStore", e);
        }
    }

    static List<SessionId> sessions(int count) {
        return IntStream.range(0, count).mapToObj(i -> session("s" + i)).toList();
    }

    static SessionId session(String name) {
        return SessionId.of(TENANT, name);
    }

    static Path ledger(Path folder) {
        return folder.resolve("effects");
    }
}
