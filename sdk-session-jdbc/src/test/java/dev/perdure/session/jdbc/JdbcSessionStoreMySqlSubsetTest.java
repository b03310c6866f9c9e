package dev.perdure.session.jdbc;

import org.junit.jupiter.api.condition.EnabledIf;

/** On MariaDB with only those statements that MySQL 8 has, too: no insert answers. With compression and encryption. That MySQL itself takes them is not tested. */
@EnabledIf(
        value = "dev.perdure.session.jdbc.MariaDb#asked",
        disabledReason = "not asked for: no mariadbd is installed (PERDURE_REQUIRE_MARIADB makes that a failure)")
class JdbcSessionStoreMySqlSubsetTest extends JdbcSessionStoreMariaDbTest {
    @Override
    JdbcOptions options() {
        return JdbcOptions.standard().codec(Keys.codec());
    }

    @Override
    Server.Wiring wiring() {
        return SetClock.wiring(new MariaDialect(false, false));
    }
}
