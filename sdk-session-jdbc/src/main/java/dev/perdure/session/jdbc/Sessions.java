package dev.perdure.session.jdbc;

import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import dev.perdure.spi.SessionStore.NewSession;
import dev.perdure.spi.SessionStore.Opened;
import dev.perdure.spi.StoreException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;

/** Sessions as such: made, found, listed. Thread-safe. */
final class Sessions {
    private static final String NAMED = "s.tenant = :tenant AND s.name = :name";

    private final Database database;
    private final Statements sql;
    private final Log log;

    Sessions(Database database, Statements sql, Log log) {
        this.database = database;
        this.sql = sql;
        this.log = log;
    }

    /** Looks first, because nearly always the session is there. */
    Opened open(NewSession session) {
        return find(session.id()).map(Sessions::existing).orElseGet(() -> create(session));
    }

    private Opened create(NewSession session) {
        Log.Body first = log.first(session.id(), session.first());
        try {
            return database.transact(session.id(), handle -> create(handle, session, first));
        } catch (Faults.Clash e) {
            // Somebody else made it in this moment.
            return find(session.id())
                    .map(Sessions::existing)
                    .orElseThrow(() -> StoreException.unavailable(
                            session.id() + " was made and removed by others in this moment; open it again",
                            session.id(),
                            e.getCause()));
        }
    }

    Optional<SessionInfo> find(SessionId id) {
        return database.read(id, handle -> row(handle, id)).map(SessionRow::info);
    }

    List<SessionInfo> list(TenantId tenant, Set<SessionStatus> status, String afterName, int limit) {
        Limits.require(limit);
        String filter = status.isEmpty() ? "" : " AND s.status IN (<status>)";
        return database.read(null, handle -> {
            Query query = handle.createQuery(
                            sql.session("s.tenant = :tenant AND s.name > :after AND s.status <> 'DELETED'" + filter)
                                    + " ORDER BY s.name LIMIT :limit")
                    .bind("tenant", tenant.value())
                    .bind("after", afterName)
                    .bind("limit", limit)
                    .bind("now", database.now());
            if (!status.isEmpty()) {
                query.bindList("status", status.stream().map(Enum::name).toList());
            }
            return query.map((row, context) -> SessionRow.of(row).info()).list();
        });
    }

    Map<String, Long> ready() {
        Map<String, Long> counts = new TreeMap<>();
        database.read(
                        null,
                        handle -> handle.createQuery(
                                        "SELECT agent, count(*) FROM perdure_session WHERE status = 'READY' GROUP BY agent")
                                .map((row, context) -> Map.entry(row.getString(1), row.getLong(2)))
                                .list())
                .forEach(entry -> counts.put(entry.getKey(), entry.getValue()));
        return counts;
    }

    private Opened create(Handle handle, NewSession session, Log.Body first) {
        handle.createUpdate(sql.create())
                .bind("tenant", session.id().tenant().value())
                .bind("name", session.id().name())
                .bind("agent", session.agent())
                .bind("labels", Json.of(session.labels()).text())
                .bind("now", database.now())
                .execute();
        SessionRow row = row(handle, session.id()).orElseThrow();
        log.start(handle, row.key(), session.first(), first);
        return new Opened.Created(row.info());
    }

    private static Opened existing(SessionInfo session) {
        return session.status() == SessionStatus.DELETED ? new Opened.Deleted() : new Opened.Existing(session);
    }

    Optional<SessionRow> row(Handle handle, SessionId id) {
        return handle.createQuery(sql.session(NAMED))
                .bind("tenant", id.tenant().value())
                .bind("name", id.name())
                .bind("now", database.now())
                .map((row, context) -> SessionRow.of(row))
                .findOne();
    }
}
