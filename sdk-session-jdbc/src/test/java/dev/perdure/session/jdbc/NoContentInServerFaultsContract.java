package dev.perdure.session.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a user may have fewer rights than are needed. */
abstract class NoContentInServerFaultsContract extends NoContentInFaultsContract {
    /** Takes from the store's user the right to insert into the table. */
    abstract void revokeInserts(String table) throws SQLException;

    @ParameterizedTest
    @ValueSource(strings = {"session", "event", "inbox", "question", "snapshot", "blob"})
    void rightThatIsMissing_isToldWithoutContent_andTheTableIsNamed(String table) throws SQLException {
        revokeInserts("perdure_" + table);
        doEverything();
        assertToldWithoutContent(table);
        assertThat(thrown).anyMatch(e -> e.getMessage().contains("perdure_" + table));
    }
}
