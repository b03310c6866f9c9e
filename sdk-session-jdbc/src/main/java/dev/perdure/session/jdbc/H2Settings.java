package dev.perdure.session.jdbc;

import dev.perdure.session.jdbc.JdbcOptions.Weakness;
import dev.perdure.spi.SessionStore.Guarantees;
import java.util.List;

/** Reads what is really in force in H2. It is for tests: nothing is promised after loss of power. */
final class H2Settings {
    private H2Settings() {}

    static Guarantees check(Settings settings) {
        settings.require(
                "isolation level",
                settings.ask("SELECT ISOLATION_LEVEL FROM INFORMATION_SCHEMA.SESSIONS WHERE SESSION_ID = session_id()"),
                "READ COMMITTED",
                "set it for the data source, or leave it as it is by default");
        settings.requireSchema(
                "SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA WHERE upper(SCHEMA_NAME) = upper(?)");
        if (settings.ask("SELECT database_path()").isEmpty()) {
            settings.requireAllRight();
            return new Guarantees(
                    false,
                    false,
                    true,
                    List.of(
                            "H2 in memory, for tests: sessions end with the process, and so do calls in doubt, so that no call"
                                    + " is ever made twice for one session."));
        }
        String delay = settings.ask(
                "SELECT DISTINCT SETTING_VALUE FROM INFORMATION_SCHEMA.SETTINGS WHERE SETTING_NAME = 'WRITE_DELAY'");
        boolean strong = settings.strong(delay.equals("0"), "WRITE_DELAY=" + delay, Weakness.WRITE_DELAY);
        settings.requireAllRight();
        return new Guarantees(
                strong,
                false,
                strong,
                List.of(
                        strong
                                ? "H2 with WRITE_DELAY=0, for tests: a commit survives the death of the process, not surely that of the machine."
                                : "H2 with WRITE_DELAY=" + delay
                                        + ", for tests: the death of the process loses acknowledged events."));
    }
}
