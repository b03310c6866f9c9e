package dev.perdure.session.jdbc;

import dev.perdure.spi.SessionStore;
import java.nio.file.Path;

/** Stores with one mistake each, for tests that have to find it. Nothing in the library can be switched to any of these. */
public final class PlantedBugs {
    private PlantedBugs() {}

    /** Appends under any fence and owner: a paused worker writes on after a takeover. */
    public static SessionStore withoutFence(Path file, SqliteOptions options) {
        return JdbcSessionStore.sqlite(file, options, SqliteStore.statements(dialect -> new Statements(dialect) {
            @Override
            String held() {
                return "(:fence IS NOT NULL OR :owner IS NOT NULL)";
            }
        }));
    }

    /** A release that does not look at the inbox: what came just before it is never woken for. */
    public static SessionStore withMissedWakeUps(Path file, SqliteOptions options) {
        return JdbcSessionStore.sqlite(file, options, SqliteStore.statements(dialect -> new Statements(dialect) {
            @Override
            String releasedStatus() {
                return ":target";
            }
        }));
    }
}
