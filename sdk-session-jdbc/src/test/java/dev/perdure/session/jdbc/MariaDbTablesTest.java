package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.TablesTest.assertEverythingWorks;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.jdbc.JdbcSessionStore.Product;
import dev.perdure.spi.SessionStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

@EnabledIf(
        value = "dev.perdure.session.jdbc.MariaDb#asked",
        disabledReason = "not asked for: no mariadbd is installed (PERDURE_REQUIRE_MARIADB makes that a failure)")
class MariaDbTablesTest {
    private final MariaDb mariadb = MariaDb.empty();

    @AfterEach
    void drop() {
        mariadb.close();
    }

    @Test
    void schemaAndPrefix_areThoseOfEveryTable_andNothingElseIsMade() {
        String elsewhere = mariadb.database() + "x";
        mariadb.sql("CREATE DATABASE " + elsewhere);
        try (SessionStore store = JdbcSessionStore.of(
                mariadb.pool(), JdbcOptions.standard().schema(elsewhere).tablePrefix("ai_"))) {
            assertEverythingWorks(store);

            assertThat(mariadb.query("SELECT count(*) FROM information_schema.tables WHERE table_schema = '"
                            + mariadb.database() + "'"))
                    .isEqualTo("0");
            assertThat(mariadb.query("SELECT count(*) FROM " + elsewhere + ".ai_event"))
                    .isNotEqualTo("0");
        } finally {
            mariadb.sql("DROP DATABASE " + elsewhere);
        }
    }

    @Test
    void printedStatements_runByHand_areAllThatAStoreNeeds() {
        for (String statement :
                JdbcSessionStore.ddl(Product.MARIADB, JdbcOptions.standard()).split(";\n")) {
            if (!statement.isBlank()) {
                mariadb.sql(statement);
            }
        }
        String made = mariadb.query("SELECT max(applied_at) FROM perdure_schema");

        try (SessionStore store = JdbcSessionStore.of(mariadb.pool())) {
            assertEverythingWorks(store);
        }
        assertThat(mariadb.query("SELECT max(applied_at) FROM perdure_schema")).isEqualTo(made);
    }
}
