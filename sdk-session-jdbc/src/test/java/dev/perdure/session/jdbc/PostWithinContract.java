package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.AGENT;
import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static dev.perdure.session.jdbc.SqliteStore.ready;
import static dev.perdure.session.jdbc.SqliteStore.release;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Input;
import dev.perdure.Outcome;
import dev.perdure.session.Actor;
import dev.perdure.session.Event;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Post;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.SessionStore.Ready;
import dev.perdure.spi.SessionStore.Terms;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Set;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is sent within a transaction of the application is there with its commit, and never was after its rollback. */
abstract class PostWithinContract {
    private JdbcSessionStore store;
    private DataSource source;

    abstract JdbcSessionStore open() throws SQLException;

    /** For connections of the application. */
    abstract DataSource source();

    @BeforeEach
    void begin() throws SQLException {
        store = open();
        source = source();
        opened(store, ID);
    }

    @AfterEach
    void close() {
        store.close();
    }

    private Connection transaction() throws SQLException {
        Connection connection = source.getConnection();
        connection.setAutoCommit(false);
        return connection;
    }

    private static void end(Connection connection, boolean commit) throws SQLException {
        try (connection) {
            if (commit) {
                connection.commit();
            } else {
                connection.rollback();
            }
            connection.setAutoCommit(true);
        }
    }

    @Test
    void postWithinATransaction_isThereWithItsCommit_togetherWithWhatTheApplicationWrote() throws SQLException {
        Connection connection = transaction();
        connection.createStatement().execute("INSERT INTO orders (id) VALUES (1)");
        store.post(connection, ID, message("k"));
        assertThat(store.inbox(ID, 0, 10)).isEmpty();

        end(connection, true);

        assertThat(store.inbox(ID, 0, 10)).extracting(InboxItem::key).containsExactly("k");
        assertThat(store.find(ID).orElseThrow().status()).isEqualTo(SessionStatus.READY);
        assertThat(orders()).isEqualTo(1);
    }

    @Test
    void postWithinATransaction_neverWas_afterItsRollback() throws SQLException {
        Connection connection = transaction();
        connection.createStatement().execute("INSERT INTO orders (id) VALUES (1)");
        store.post(connection, ID, message("k"));

        end(connection, false);

        assertThat(store.inbox(ID, 0, 10)).isEmpty();
        assertThat(store.find(ID).orElseThrow().status()).isEqualTo(SessionStatus.IDLE);
        assertThat(ready(store, WorkerId.random())).isEmpty();
        assertThat(orders()).isZero();
        assertThat(store.post(ID, message("k"))).isEqualTo(new Posted.Accepted(1));
    }

    @Test
    void repeatWithinAnotherTransaction_isSentOnce_andWhatIsNotSentIsAnError_andTheTransactionGoesOn()
            throws SQLException {
        store.post(ID, message("k"));
        Connection connection = transaction();
        connection.createStatement().execute("INSERT INTO orders (id) VALUES (1)");

        store.post(connection, ID, message("k"));
        Post other = new Post("k", Event.InputKind.MESSAGE, Actor.user("ann"), Json.of(Map.of("text", "other")));
        assertThatThrownBy(() -> store.post(connection, ID, other))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("nothing was sent")
                .hasMessageContaining("\"k\"");
        assertThatThrownBy(() -> store.post(connection, SessionId.of("acme", "unknown"), message("k")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("nothing was sent")
                .hasMessageContaining("acme/unknown")
                .hasMessageContaining("open it");
        connection.createStatement().execute("INSERT INTO orders (id) VALUES (2)");
        end(connection, true);

        assertThat(store.inbox(ID, 0, 10)).hasSize(1);
        assertThat(orders()).isEqualTo(2);
    }

    @Test
    void sessionThatHasEnded_takesNothing_alsoWithinATransaction() throws SQLException {
        store.append(held(store, ID, WorkerId.random()), SqliteStore.end(store, ID), release(SessionStatus.ENDED, 0));
        Connection connection = transaction();

        assertThatThrownBy(() -> store.post(connection, ID, message("k")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("nothing was sent")
                .hasMessageContaining("closed");
        end(connection, true);
        assertThat(store.inbox(ID, 0, 10)).isEmpty();
    }

    @Test
    void connectionWithAutocommitOn_isRefused_becauseThereIsNoTransaction() throws SQLException {
        try (Connection connection = source.getConnection()) {
            assertThatThrownBy(() -> store.post(connection, ID, message("k")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("autocommit on");
        }
        assertThat(store.inbox(ID, 0, 10)).isEmpty();
    }

    @Test
    void messageSentWithinATransaction_isRunByAWorker_afterTheCommit() throws SQLException {
        Agent agent = Agent.builder(AGENT)
                .model(ScriptedModel.answering(request -> Step.text("done")))
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            Connection connection = transaction();
            Input input = Input.text("check").key("order-1");
            store.post(connection, ID, input.post());
            end(connection, true);

            // The same input again follows the turn that the first one began.
            Outcome outcome = runtime.find(ID).orElseThrow().send(input).await();

            assertThat(outcome).isInstanceOf(Outcome.Done.class);
            assertThat(store.read(ID, 0, 100))
                    .filteredOn(event -> event.event() instanceof Event.InputReceived)
                    .hasSize(1);
        }
    }

    /**
     * For databases that lock rows.
     *
     * @param impatient another store on the same database, whose statements do not wait long for a lock
     */
    final void assertOnlyItsSessionWaitsForAnOpenTransaction(JdbcSessionStore impatient) throws SQLException {
        SessionId first = opened(store, SessionId.of("acme", "first"));
        SessionId second = opened(store, SessionId.of("acme", "second"));
        store.post(first, message("k"));
        store.post(second, message("k"));
        Connection connection = transaction();
        store.post(connection, first, message("later"));

        Terms terms = Terms.of(WorkerId.random());
        assertThat(impatient.claimReady(terms, Ready.of(Set.of(AGENT)), 1).leases())
                .extracting(Lease::session)
                .containsExactly(second);
        assertThat(ready(impatient, terms.worker())).isEmpty();

        end(connection, true);
        assertThat(ready(impatient, terms.worker())).extracting(Lease::session).containsExactly(first);
    }

    private int orders() throws SQLException {
        try (Connection connection = source.getConnection();
                var row = connection.createStatement().executeQuery("SELECT count(*) FROM orders")) {
            row.next();
            return row.getInt(1);
        }
    }
}
