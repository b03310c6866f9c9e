package dev.perdure.testkit.crash;

import dev.perdure.session.SessionId;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The ledgers of the rounds of a run, each opened when it is first needed. Thread-safe. */
final class Ledgers implements AutoCloseable {
    private final Path run;
    private final Map<Integer, EffectLedger> ledgers = new ConcurrentHashMap<>();

    Ledgers(Path run) {
        this.run = run;
    }

    EffectLedger of(SessionId session) {
        return of(Round.of(run, session));
    }

    EffectLedger of(Round round) {
        return ledgers.computeIfAbsent(round.number(), number -> EffectLedger.open(round.ledger()));
    }

    /** Nobody needs it here any more. */
    void close(Round round) {
        EffectLedger ledger = ledgers.remove(round.number());
        if (ledger != null) {
            ledger.close();
        }
    }

    @Override
    public void close() {
        ledgers.values().forEach(EffectLedger::close);
    }
}
