package dev.perdure.session.jdbc;

import dev.perdure.session.Retention;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;

/**
 * Takes sessions away. The first commit of a deletion takes the name from the session's row and gives it to a new row, the tombstone: from then on no
 * statement finds what was the session's, because all look for it by tenant and name or hold a lease of a row that is {@code RUNNING}. Rows without
 * a tenant are then emptied and removed, a bounded number of rows in each commit. Thread-safe.
 */
final class Removal {
    private static final int ROWS = 1_000;

    /**
     * A table of what sessions have.
     *
     * @param key tells the rows of one session apart
     * @param most rows in one commit
     */
    private record Part(String table, String key, int most) {
        /** Neither of the databases at hand deletes a limited number of rows in one and the same words. */
        String delete() {
            return """
                    DELETE FROM %1$s WHERE session = :session AND %2$s <= (
                      SELECT max(%2$s) FROM (
                        SELECT %2$s FROM %1$s WHERE session = :session ORDER BY %2$s LIMIT :limit) AS batch)""".formatted(table, key);
        }
    }

    private static final List<Part> PARTS = List.of(
            new Part("perdure_event", "seq", ROWS),
            new Part("perdure_snapshot", "seq", ROWS),
            new Part("perdure_inbox", "idem_key", ROWS),
            new Part("perdure_question", "question_key", ROWS),
            new Part("perdure_blob", "sha256", 20));

    private final Database database;
    private final Statements sql;

    Removal(Database database, Statements sql) {
        this.database = database;
        this.sql = sql;
    }

    /** A repeat finishes what a first try has left behind. */
    boolean delete(SessionId id) {
        Optional<Nameless> nameless = database.transact(
                id,
                handle -> handle.createQuery(
                                sql.claimable("s.tenant = :tenant AND s.name = :name AND s.status <> 'DELETED'"))
                        .bind("tenant", id.tenant().value())
                        .bind("name", id.name())
                        .bind("now", database.now())
                        .map((row, context) -> SessionRow.of(row))
                        .findOne()
                        .map(row -> bury(handle, row)));
        nameless.ifPresentOrElse(this::empty, this::sweep);
        return nameless.isPresent();
    }

    int purge(Retention which, int limit) {
        Limits.require(limit);
        sweep();
        int removed = 0;
        for (long session : candidates(which, limit)) {
            removed += purge(which, session) ? 1 : 0;
        }
        which.findTenant().ifPresent(this::forgetKeys);
        return removed;
    }

    /** When it has no session left. Who encrypts for it later keeps them anew, but for a process that has used the key before: it has shown it once. */
    private void forgetKeys(TenantId tenant) {
        database.transact(
                null,
                handle -> handle.createUpdate("DELETE FROM perdure_key WHERE tenant = :tenant AND NOT EXISTS"
                                + " (SELECT 1 FROM perdure_session s WHERE s.tenant = :tenant)")
                        .bind("tenant", tenant.value())
                        .execute());
    }

    /** Removes the rows of a session that has no name any more, to the last. */
    void empty(Nameless session) {
        while (database.transact(null, handle -> removeSome(handle, session))) {
            // the rest is for the next commit
        }
    }

    /** What a process left that died, or is still at; several may empty one session together. */
    private void sweep() {
        for (Optional<Nameless> left = findLeft(); left.isPresent(); left = findLeft()) {
            empty(left.get());
        }
    }

    private Optional<Nameless> findLeft() {
        return database.read(
                null,
                handle -> handle.createQuery("SELECT id, name FROM perdure_session"
                                + " WHERE tenant = :nobody AND retry_at <= " + sql.now() + " ORDER BY name LIMIT 1")
                        .bind("nobody", Nameless.NOBODY)
                        .bind("now", database.now())
                        .map((row, context) -> new Nameless(row.getLong(1), row.getString(2)))
                        .findOne());
    }

    private List<Long> candidates(Retention which, int limit) {
        return database.read(
                null,
                handle -> bind(
                                handle.createQuery(
                                        "SELECT s.id FROM perdure_session s WHERE " + fits(which) + " LIMIT :limit"),
                                which)
                        .bind("limit", limit)
                        .mapTo(Long.class)
                        .list());
    }

    private boolean purge(Retention which, long session) {
        Optional<Runnable> rest = database.transact(
                null,
                handle -> bind(handle.createQuery(sql.claimable("s.id = :id AND " + fits(which))), which)
                        .bind("id", session)
                        .map((row, context) -> SessionRow.of(row))
                        .findOne()
                        .map(row -> remove(handle, row)));
        rest.ifPresent(Runnable::run);
        return rest.isPresent();
    }

    /** What is to be done after the commit. */
    private Runnable remove(Handle handle, SessionRow row) {
        if (row.status() == SessionStatus.DELETED) {
            forget(handle, row.key());
            return () -> {};
        }
        Nameless nameless = bury(handle, row);
        return () -> empty(nameless);
    }

    /** Whatever its size, few rows are written; questions are found by their tenant too, so that none may stay. */
    private Nameless bury(Handle handle, SessionRow row) {
        Nameless nameless = new Nameless(row.key(), Long.toString(row.key()));
        long fence = Math.max(row.fence() + 1, row.now());
        handle.createUpdate("""
                        UPDATE perdure_session SET tenant = :nobody, name = :name, status = 'DELETED', fence = :fence, owner = NULL,
                          lease_until = NULL, labels = '{}', attempts = 0, retry_at = 0, changed_at = :at
                        WHERE id = :session""")
                .bind("nobody", Nameless.NOBODY)
                .bind("name", nameless.name())
                .bind("fence", fence)
                .bind("at", row.now())
                .bind("session", row.key())
                .execute();
        handle.createUpdate("DELETE FROM perdure_question WHERE session = :session")
                .bind("session", row.key())
                .execute();
        handle.createUpdate("""
                        INSERT INTO perdure_session (tenant, name, agent, status, labels, fence, attempts, claim_seq,
                          retry_at, ready_at, inbox_head, opened_at, changed_at)
                        VALUES (:tenant, :name, :agent, 'DELETED', '{}', :fence, 0, 0, 0, 0, 0, :openedAt, :at)""")
                .bind("tenant", row.id().tenant().value())
                .bind("name", row.id().name())
                .bind("agent", row.agent())
                .bind("fence", fence)
                .bind("openedAt", row.openedAt())
                .bind("at", row.now())
                .execute();
        return nameless;
    }

    /**
     * Looks first whether the row is still there, and holds it: others may empty it, too.
     *
     * @return whether there may be more
     */
    private boolean removeSome(Handle handle, Nameless session) {
        boolean there = handle.createQuery(
                        "SELECT s.id FROM perdure_session s WHERE " + Nameless.ROW + sql.updateLock())
                .bindMap(session.row())
                .mapTo(Long.class)
                .findOne()
                .isPresent();
        if (!there) {
            return false;
        }
        for (Part part : PARTS) {
            int removed = handle.createUpdate(part.delete())
                    .bind("session", session.key())
                    .bind("limit", part.most())
                    .execute();
            if (removed == part.most()) {
                return true;
            }
        }
        forget(handle, session.key());
        return false;
    }

    private static void forget(Handle handle, long session) {
        handle.createUpdate("DELETE FROM perdure_session WHERE id = :session")
                .bind("session", session)
                .execute();
    }

    private String fits(Retention which) {
        return "s.tenant <> :nobody AND s.status IN (<status>)"
                + (which.untouchedFor().isZero() ? "" : " AND s.changed_at <= " + sql.now() + " - :age")
                + (which.tenant() == null ? "" : " AND s.tenant = :only")
                + (which.agent() == null ? "" : " AND s.agent = :agent");
    }

    private Query bind(Query query, Retention which) {
        query.bind("nobody", Nameless.NOBODY)
                .bind("now", database.now())
                .bindList("status", which.status().stream().map(Enum::name).toList())
                .bind("age", which.untouchedFor().toMillis());
        which.findTenant().ifPresent(tenant -> query.bind("only", tenant.value()));
        which.findAgent().ifPresent(agent -> query.bind("agent", agent));
        return query;
    }
}
