package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.AGENT;
import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static dev.perdure.session.jdbc.SqliteStore.ready;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Outcome;
import dev.perdure.session.SessionId;
import dev.perdure.session.WorkerId;
import dev.perdure.session.jdbc.JdbcSessionStore.Product;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where the tables are, what they are called, and who makes them. */
class TablesTest {
    private final Postgres postgres = Postgres.empty();

    @TempDir
    Path folder;

    @AfterEach
    void drop() {
        postgres.close();
    }

    @Test
    void schemaAndPrefix_areThoseOfEveryTableAndIndex_andNothingElseIsMade() {
        String elsewhere = postgres.schema() + "x";
        postgres.sql("CREATE SCHEMA " + elsewhere);
        try (SessionStore store = JdbcSessionStore.of(
                postgres.pool(), JdbcOptions.standard().schema(elsewhere).tablePrefix("ai_"))) {
            assertEverythingWorks(store);

            assertThat(postgres.query("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                            + " WHERE n.nspname = '" + postgres.schema() + "'"))
                    .isEqualTo("0");
            assertThat(postgres.query("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                            + " WHERE n.nspname = '" + elsewhere + "' AND c.relname NOT LIKE 'ai\\_%'"))
                    .isEqualTo("0");
            assertThat(postgres.query("SELECT count(*) FROM " + elsewhere + ".ai_event"))
                    .isNotEqualTo("0");
        } finally {
            postgres.sql("DROP SCHEMA " + elsewhere + " CASCADE");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"perdure_", "perdure_x_", "x_perdure_"})
    void prefixThatHasTheStandardOneInIt_isTakenAsItIs(String prefix) {
        JdbcOptions options = JdbcOptions.standard().schema(postgres.schema()).tablePrefix(prefix);
        try (SessionStore store = JdbcSessionStore.of(postgres.pool(), options)) {
            assertEverythingWorks(store);

            assertThat(postgres.query("SELECT count(*) FROM " + prefix + "event"))
                    .isNotEqualTo("0");
        }
    }

    @Test
    void twoPrefixesInOneDatabase_neverMeet() {
        try (SessionStore one = JdbcSessionStore.of(
                        postgres.pool(), JdbcOptions.standard().tablePrefix("one_"));
                SessionStore two = JdbcSessionStore.of(
                        postgres.pool(), JdbcOptions.standard().tablePrefix("two_"))) {
            opened(one, ID);
            one.post(ID, message("k"));

            assertThat(two.find(ID)).isEmpty();
            assertThat(ready(two, WorkerId.random())).isEmpty();
            assertThat(ready(one, WorkerId.random())).hasSize(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Big_", "1_", "a;b", "a b", "a\"", "a-b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})
    void nameThatWouldNeedQuotes_isRefused_withTheValue(String name) {
        assertThatThrownBy(() -> JdbcOptions.standard().schema(name))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"" + name + "\"");
        assertThatThrownBy(() -> JdbcOptions.standard().tablePrefix(name))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"" + name + "\"");
    }

    @Test
    void printedStatements_runByHand_areAllThatAUserWithoutRightsToMakeTablesNeeds() {
        JdbcOptions options = JdbcOptions.standard().tablePrefix("ai_");
        postgres.sql(JdbcSessionStore.ddl(Product.POSTGRESQL, options));
        String role = "worker_of_" + postgres.schema();
        postgres.sql(
                "CREATE ROLE " + role,
                "GRANT USAGE ON SCHEMA " + postgres.schema() + " TO " + role,
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + postgres.schema() + " TO " + role);
        try (HikariDataSource worker = postgres.pool(Map.of("options", "-c role=" + role));
                SessionStore store = JdbcSessionStore.of(worker, options)) {
            assertEverythingWorks(store);
        } finally {
            postgres.sql("DROP OWNED BY " + role, "DROP ROLE " + role);
        }
    }

    @Test
    void printedStatementsForSqlite_runByTheOldestSqliteThatIsUsed_areAllThatAStoreNeeds() throws SQLException {
        String ddl = JdbcSessionStore.ddl(Product.SQLITE, JdbcOptions.standard());
        // Since 3.38, and with parts of seconds since 3.42.
        assertThat(ddl).doesNotContain("unixepoch", "subsec");
        Path file = folder.resolve("s.db");
        SqliteStore.sql(file, ddl.split(";\n"));

        try (SessionStore store = JdbcSessionStore.sqlite(file)) {
            assertEverythingWorks(store);
        }
        assertThat(Instant.ofEpochMilli(Long.parseLong(
                        SqliteStore.query(file, "SELECT applied_at FROM perdure_schema WHERE version = 1"))))
                .isCloseTo(Instant.now(), within(1, ChronoUnit.HOURS));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ";DATABASE_TO_UPPER=FALSE",
                ";DATABASE_TO_LOWER=TRUE",
                ";MODE=PostgreSQL;DATABASE_TO_LOWER=TRUE;DEFAULT_NULL_ORDERING=HIGH",
                ";MODE=MySQL;DATABASE_TO_LOWER=TRUE"
            })
    void tablesInH2_areFoundAgain_howeverItWritesNames(String options) throws SQLException {
        try (HikariDataSource pool = new HikariDataSource()) {
            pool.setJdbcUrl("jdbc:h2:" + folder.resolve("h2") + ";WRITE_DELAY=0" + options);
            JdbcSessionStore.of(pool).close();

            try (SessionStore again = JdbcSessionStore.of(pool)) {
                assertEverythingWorks(again);
            }
            JdbcOptions elsewhere = JdbcOptions.standard().schema("ai");
            assertThatThrownBy(() -> JdbcSessionStore.of(pool, elsewhere)).hasMessageContaining("no schema ai");
            execute(pool, "CREATE SCHEMA ai");
            JdbcSessionStore.of(pool, elsewhere).close();
            try (SessionStore again = JdbcSessionStore.of(pool, elsewhere)) {
                assertEverythingWorks(again);
            }
        }
    }

    private static void execute(DataSource source, String sql) throws SQLException {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @Test
    void printedUpgrade_hasOnlyWhatComesAfterTheVersion_andIsAllThatIsMissing() {
        JdbcOptions options = JdbcOptions.standard().tablePrefix("ai_");
        JdbcSessionStore.of(postgres.pool(), options).close();
        postgres.sql("DROP TABLE ai_snapshot", "DROP TABLE ai_key", "DELETE FROM ai_schema WHERE version > 1");

        String upgrade = JdbcSessionStore.ddl(Product.POSTGRESQL, options, 1);
        assertThat(upgrade)
                .contains("CREATE TABLE ai_snapshot")
                .doesNotContain("CREATE TABLE ai_session", "CREATE TABLE ai_event");
        postgres.sql(upgrade);

        assertThat(logged(() -> JdbcSessionStore.of(postgres.pool(), options).close()))
                .doesNotContain("ai_");
        assertThat(postgres.query("SELECT max(version) FROM ai_schema")).isEqualTo("3");
        assertThat(JdbcSessionStore.ddl(Product.POSTGRESQL, options, 3)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 4})
    void upgradeFromAVersionThatThereIsNot_isRefused_withTheValue(int from) {
        assertThatThrownBy(() -> JdbcSessionStore.ddl(Product.MARIADB, JdbcOptions.standard(), from))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("to 3, but this is " + from);
    }

    @Test
    void tablesThatAreMade_orMigrated_areOneLineOfTheLog_andTablesThatAreThereNone() {
        JdbcOptions options = JdbcOptions.standard().schema(postgres.schema()).tablePrefix("ai_");
        Runnable open = () -> JdbcSessionStore.of(postgres.pool(), options).close();
        String names = "tables " + postgres.schema() + ".ai_… ";

        assertThat(logged(open)).containsOnlyOnce("INFO").contains(names, "from schema version 0 to 3");
        assertThat(logged(open)).doesNotContain("ai_");
        postgres.sql("DROP TABLE ai_snapshot", "DROP TABLE ai_key", "DELETE FROM ai_schema WHERE version > 1");
        assertThat(logged(open)).containsOnlyOnce(names).contains("from schema version 1 to 3");
    }

    /** By this package, at INFO. */
    private static String logged(Runnable work) {
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        PrintStream err = System.err;
        System.setErr(new PrintStream(log, true, UTF_8));
        int before = level(INFO);
        try {
            work.run();
        } finally {
            level(before);
            System.setErr(err);
        }
        return log.toString(UTF_8)
                .lines()
                .filter(line -> line.contains("dev.perdure"))
                .collect(Collectors.joining("\n"));
    }

    private static final int INFO = 20;

    /** These tests log warnings only, which slf4j-simple decides once. */
    private static int level(int level) {
        try {
            Logger logger = LoggerFactory.getLogger(Migrations.class);
            Field current = logger.getClass().getDeclaredField("currentLogLevel");
            current.setAccessible(true);
            int before = current.getInt(logger);
            current.setInt(logger, level);
            return before;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** As a user does it: sent, run, looked at, deleted. */
    static void assertEverythingWorks(SessionStore store) {
        Agent agent = Agent.builder(AGENT)
                .model(ScriptedModel.answering(request -> Step.text("done")))
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            SessionId id = SessionId.of("acme", "turn");
            assertThat(runtime.open(id, AGENT).send("hi").await()).isInstanceOf(Outcome.Done.class);
            assertThat(store.list(id.tenant(), java.util.Set.of(), "", 10)).hasSize(1);
            assertThat(store.questions(id.tenant(), null, 10)).isEmpty();
            assertThat(store.blobs().find(id, store.blobs().put(id, new byte[] {1})))
                    .isPresent();
        }
        opened(store, ID);
        Lease lease = held(store, ID, WorkerId.random());
        assertThat(store.renew(List.of(lease), Duration.ofSeconds(15)))
                .extracting(SessionStore.Renewal::state)
                .containsExactly(SessionStore.Renewal.State.HELD);
        assertThat(store.delete(ID)).isTrue();
    }
}
