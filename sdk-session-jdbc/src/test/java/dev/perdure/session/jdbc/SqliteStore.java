package dev.perdure.session.jdbc;

import dev.perdure.session.Actor;
import dev.perdure.session.Cost;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.Usage;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.NewSession;
import dev.perdure.spi.SessionStore.Post;
import dev.perdure.spi.SessionStore.Ready;
import dev.perdure.spi.SessionStore.Release;
import dev.perdure.spi.SessionStore.Terms;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteDataSource;

/** Words of the tests of this package. */
final class SqliteStore {
    static final SessionId ID = SessionId.of("acme", "ticket-1");
    static final String AGENT = "support";

    private SqliteStore() {}

    /** Remembers every statement, as it is prepared. */
    static final class Statistics implements UnaryOperator<DataSource> {
        private final List<String> statements = new CopyOnWriteArrayList<>();

        @Override
        public DataSource apply(DataSource source) {
            return proxy(
                    DataSource.class,
                    source,
                    (method, result, sql) -> result instanceof Connection connection ? connection(connection) : result);
        }

        private Connection connection(Connection connection) {
            return proxy(Connection.class, connection, (method, result, sql) -> {
                if (method.equals("prepareStatement")) {
                    statements.add(String.valueOf(sql));
                }
                return result;
            });
        }

        long notified() {
            return statements.stream().filter(sql -> sql.contains("pg_notify")).count();
        }

        int count() {
            return statements.size();
        }

        List<String> during(Runnable work) {
            statements.clear();
            work.run();
            return List.copyOf(statements);
        }

        private interface After {
            @Nullable
            Object result(String method, @Nullable Object result, @Nullable Object firstArgument);
        }

        private static <T> T proxy(Class<T> type, T target, After after) {
            InvocationHandler handler = (self, method, arguments) -> {
                try {
                    Object result = method.invoke(target, arguments);
                    return after.result(method.getName(), result, arguments == null ? null : arguments[0]);
                } catch (InvocationTargetException e) {
                    throw e.getTargetException();
                }
            };
            return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
        }
    }

    static SqliteFile.Wiring logging(Statistics statistics) {
        return new SqliteFile.Wiring(statistics, source -> {}, Statements::new);
    }

    static SqliteFile.Wiring driver(Consumer<SQLiteDataSource> driver) {
        return new SqliteFile.Wiring(UnaryOperator.identity(), driver, Statements::new);
    }

    static SqliteFile.Wiring statements(Function<Dialect, Statements> statements) {
        return new SqliteFile.Wiring(UnaryOperator.identity(), source -> {}, statements);
    }

    static SessionId opened(SessionStore store, SessionId id) {
        Event first = new Event.SessionOpened(AGENT, Map.of());
        store.open(new NewSession(id, AGENT, Map.of(), Draft.of(EventId.random(), 0, first)));
        return id;
    }

    static Lease held(SessionStore store, SessionId id, WorkerId worker) {
        return ((Claimed.Held) store.claim(id, Terms.of(worker))).lease();
    }

    static List<Lease> ready(SessionStore store, WorkerId worker) {
        return store.claimReady(Terms.of(worker), Ready.of(Set.of(AGENT)), 100).leases();
    }

    static Draft note(String text) {
        return Draft.of(EventId.random(), 1, new Event.NoteKept("note", Json.of(text)));
    }

    /** Moves the session forward. */
    static Draft progress(String text) {
        return Draft.of(
                EventId.random(),
                1,
                new Event.TurnEnded(Event.TurnOutcome.DONE, text, null, 1, 0, Usage.NONE, Cost.NONE));
    }

    static Batch batch(Draft... drafts) {
        return Batch.of(List.of(drafts));
    }

    static Batch release(SessionStatus target, long seen) {
        return new Batch(List.of(note("done")), List.of(), List.of(), List.of(), null, new Release(target, seen));
    }

    static Post message(String key) {
        return new Post(key, Event.InputKind.MESSAGE, Actor.user("ann"), Json.of(Map.of("text", "hello")));
    }

    static List<Recorded> log(SessionStore store, SessionId id) {
        List<Recorded> all = new ArrayList<>();
        List<Recorded> page = store.read(id, 0, 10_000);
        while (!page.isEmpty()) {
            all.addAll(page);
            page = store.read(id, all.get(all.size() - 1).seq(), 10_000);
        }
        return all;
    }

    static Position end(SessionStore store, SessionId id) {
        List<Recorded> log = log(store, id);
        return log.get(log.size() - 1).position();
    }

    /** On a connection that the store knows nothing of. */
    static void sql(Path file, String... statements) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    static String query(Path file, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? String.valueOf(row.getString(1)) : "none";
        }
    }
}
