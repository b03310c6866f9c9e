package dev.perdure.testkit.crash;

import dev.perdure.session.SessionId;
import dev.perdure.session.TenantId;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Sessions that are tortured together, of two tenants and with the same names in both. A long run has many rounds, so that logs and papers stay short: what
 * a process has to read before it can do anything would grow with them.
 *
 * @param run the run's folder
 * @param number from 1
 */
record Round(Path run, int number) {
    static final List<TenantId> TENANTS = List.of(TenantId.of("crash-a"), TenantId.of("crash-b"));

    /** The round that a session belongs to. */
    static Round of(Path run, SessionId session) {
        return new Round(
                run, Integer.parseInt(session.name().substring(1, session.name().indexOf('-'))));
    }

    List<SessionId> sessions(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> new SessionId(TENANTS.get(i % 2), prefix() + "s" + i / 2))
                .toList();
    }

    /** With what the names of its sessions begin. Names of later rounds are greater. */
    String prefix() {
        return String.format(Locale.ROOT, "r%05d-", number);
    }

    private Path folder() {
        return run.resolve(String.format(Locale.ROOT, "round-%05d", number));
    }

    Path ledger() {
        return folder().resolve("effects");
    }

    /** One file for each slot. */
    Path paper(Paper paper, int slot) {
        return folder().resolve(paper.name().toLowerCase(Locale.ROOT) + "-" + slot);
    }

    /** What children write down. */
    enum Paper {
        /** Inputs that the store said it has. */
        ACKS,
        /** Events that the store said it has. */
        EVENTS,
        /** Model calls, by what they followed from. */
        REQUESTS,
        /** Leases, and where the log ended then. */
        CLAIMS
    }
}
