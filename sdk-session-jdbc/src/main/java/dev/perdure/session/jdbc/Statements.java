package dev.perdure.session.jdbc;

import dev.perdure.spi.SessionStore.Batch;
import java.util.stream.Collector;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The SQL of everything that claims, writes and wakes up, for one dialect. Immutable. */
class Statements {
    /** What every write of a holder has to prove. */
    private static final String HELD = "s.fence = :fence AND s.owner = :owner AND s.status = 'RUNNING'";

    private static final String PROGRESSED =
            "EXISTS (SELECT 1 FROM perdure_event e WHERE e.session = s.id AND e.seq > s.claim_seq AND e.progress = 1)";

    private static final Collector<CharSequence, ?, String> ROW = Collectors.joining(", ", "(", ")");

    private final Dialect dialect;

    Statements(Dialect dialect) {
        this.dialect = dialect;
    }

    /** The store's clock in milliseconds; {@code :now} is to be bound. */
    final String now() {
        return dialect.now();
    }

    final String updateLock() {
        return dialect.updateLock();
    }

    /** One session, read whole; {@code condition} is about {@code s}. */
    final String session(String condition) {
        return """
                SELECT s.id, s.tenant, s.name, s.agent, s.status, s.labels, s.fence, s.owner, s.lease_until, s.attempts,
                  s.retry_at, s.inbox_head, s.opened_at, s.changed_at, %s AS now,
                  (SELECT max(e.seq) FROM perdure_event e WHERE e.session = s.id) AS head,
                  CASE WHEN s.attempts = 0 THEN 0 WHEN %s THEN 1 ELSE 0 END AS progressed
                FROM perdure_session s WHERE %s""".formatted(dialect.now(), PROGRESSED, condition);
    }

    final String claimable(String condition) {
        return session(condition) + dialect.updateLock();
    }

    /**
     * Numbers of sessions with something to do, each tenant's first before any tenant's second. When not all of a place fit, of the first place the oldest come,
     * of the others any: the oldest would be those of the same tenants each time.
     *
     * @param excluding whether {@code :excluded} is bound
     * @param dying whether {@code :dead} is bound
     */
    String candidates(boolean excluding, boolean dying) {
        String filter = "s.agent IN (<agents>)" + (excluding ? " AND s.tenant NOT IN (<excluded>)" : "")
                + " AND (s.retry_at <= " + dialect.now() + " OR " + PROGRESSED + ")";
        return """
                %1$sSELECT id FROM (
                  SELECT id, since, row_number() OVER (PARTITION BY tenant ORDER BY since, id) AS place FROM (
                    %2$s
                    UNION ALL
                    SELECT s.id, s.tenant, s.lease_until AS since FROM perdure_session s
                      WHERE s.status = 'RUNNING' AND (s.lease_until <= %3$s%4$s) AND %5$s
                  ) due
                ) ranked WHERE place <= :perTenant
                ORDER BY place, CASE WHEN place > 1 THEN %6$s END, since, id LIMIT :max""".formatted(
                        dialect.joinsLaterally() ? TENANTS : "",
                        (dialect.joinsLaterally() ? FIRST_OF_EACH_TENANT : ALL_READY).formatted(filter),
                        dialect.now(),
                        dying ? " OR s.owner IN (<dead>)" : "",
                        filter,
                        dialect.random());
    }

    /** Tenants with something ready, each by one step in the index: however long the backlog is. */
    private static final String TENANTS = """
            WITH RECURSIVE tenants (tenant) AS (
              (SELECT s.tenant FROM perdure_session s WHERE s.status = 'READY' ORDER BY s.tenant LIMIT 1)
              UNION ALL
              SELECT (SELECT s.tenant FROM perdure_session s WHERE s.status = 'READY' AND s.tenant > tenants.tenant
                ORDER BY s.tenant LIMIT 1) FROM tenants WHERE tenants.tenant IS NOT NULL
            )
            """;

    private static final String FIRST_OF_EACH_TENANT = """
            SELECT own.id, own.tenant, own.since FROM tenants CROSS JOIN LATERAL (
                SELECT s.id, s.tenant, s.ready_at AS since FROM perdure_session s
                WHERE s.tenant = tenants.tenant AND s.status = 'READY' AND %s
                ORDER BY s.ready_at, s.id LIMIT :max) own""";

    private static final String ALL_READY =
            "SELECT s.id, s.tenant, s.ready_at AS since FROM perdure_session s WHERE s.status = 'READY' AND %s";

    /**
     * Which of these rows no transaction holds, neither one of the application that sends within it nor that of a frozen process: who looks for work must
     * not wait for it. By itself, because a statement with a lock sees the row anew, and its log as it was. Empty where no row is ever locked.
     */
    String unlocked() {
        return dialect.skipLocked().isEmpty()
                ? ""
                : "SELECT s.id FROM perdure_session s WHERE s.id IN (<ids>)" + dialect.skipLocked();
    }

    String candidateRows() {
        return session("s.id IN (<ids>) AND s.status IN ('READY', 'RUNNING')");
    }

    /** Owners whose leases have not run out. */
    String owners() {
        return "SELECT DISTINCT owner FROM perdure_session WHERE status = 'RUNNING' AND lease_until > " + dialect.now();
    }

    /** Whether the row is still what a claim has decided on: nobody claimed, released, renewed or woke it since. */
    String unchanged() {
        return "id = :id AND fence = :oldFence AND status = :oldStatus AND attempts = :oldAttempts"
                + " AND coalesce(lease_until, 0) = :oldUntil";
    }

    String take() {
        return """
                UPDATE perdure_session SET status = 'RUNNING', fence = :fence, owner = :owner, lease_until = :until,
                  attempts = :attempts, claim_seq = :head, retry_at = :retryAt, changed_at = :at
                WHERE\s""" + unchanged();
    }

    /** The one that held it, if it is only slow, has lost it: status is part of what a write proves. */
    String quarantine() {
        return """
                UPDATE perdure_session SET status = 'QUARANTINED', lease_until = NULL, changed_at = :at
                WHERE\s""" + unchanged();
    }

    /** All leases at once; a lease that is lost matches no row, and a row that somebody has locked is left out. */
    String renew(int leases) {
        return """
                WITH held (id, fence, owner) AS (VALUES %s),
                free (id, inbox_head) AS (%s%s)
                UPDATE perdure_session SET lease_until = %s + :ttl FROM free WHERE perdure_session.id = free.id
                RETURNING perdure_session.id, perdure_session.inbox_head""".formatted(leases(leases), RENEWABLE, dialect.skipLocked(), dialect.now());
    }

    /** Which of these leases are not lost, and how far their inboxes go. */
    String renewable(int leases) {
        return dialect.typesValues()
                ? "WITH held (id, fence, owner) AS (VALUES " + leases(leases) + ")\n" + RENEWABLE
                : "SELECT s.id, s.inbox_head FROM perdure_session s WHERE s.id IN "
                        + parameters("id", leases).collect(ROW) + " AND " + isHeldBy("s.", leases);
    }

    private static final String RENEWABLE = """
            SELECT s.id, s.inbox_head FROM perdure_session s JOIN held
            ON s.id = held.id AND s.fence = held.fence AND s.owner = held.owner AND s.status = 'RUNNING'""";

    /** Which of these leases are not lost, and their rows free at this moment. */
    String free(int leases) {
        return renewable(leases) + dialect.skipLocked();
    }

    /** Extends these leases, for databases where an update cannot look for free rows by itself. The numbers first: they lead to the rows. */
    String extend(int leases) {
        return "UPDATE perdure_session SET lease_until = " + dialect.now() + " + :ttl WHERE id IN (<ids>) AND "
                + isHeldBy("", leases);
    }

    private String isHeldBy(String table, int leases) {
        return "%1$sstatus = 'RUNNING' AND (%1$sid, %1$sfence, %1$sowner) IN (%2$s)"
                .formatted(table, rows("", leases, "id", "fence", "owner"));
    }

    private String leases(int count) {
        return rows(dialect.row(), count, "id", "fence", "owner");
    }

    /** Writes nothing unless the lease is the newest and the log ends where the writer thinks; a taken number clashes. Answers the time of each event. */
    String append(int events) {
        String insert = "INSERT INTO perdure_event (session, seq, id, turn, fence, at, type, progress, codec, body)\n";
        String select = events == 1 ? one() : dialect.typesValues() ? ofValues(events) : ofNumbers(events);
        return insert + select + dialect.shareLock() + (dialect.answersInserts() ? " RETURNING at" : "");
    }

    /** By itself, because a list and its order take a database longer than the rest. */
    private String one() {
        return """
                SELECT s.id, :after + %s, %s, %s, s.fence, %s, %s, %s, %s, %s FROM perdure_session s
                WHERE %s""".formatted(
                        typed("n"),
                        typed("event"),
                        typed("turn"),
                        dialect.now(),
                        typed("type"),
                        typed("progress"),
                        typed("codec"),
                        typed("body"),
                        mayAppend());
    }

    /** The first of a list. */
    private String typed(String column) {
        return dialect.typed(column, ":" + column + 0);
    }

    private String ofValues(int events) {
        return """
                WITH draft (n, event, turn, type, progress, codec, body) AS (VALUES %s)
                SELECT s.id, :after + draft.n, draft.event, draft.turn, s.fence, %s, draft.type, draft.progress, draft.codec, draft.body
                FROM perdure_session s CROSS JOIN draft
                WHERE %s
                ORDER BY draft.n""".formatted(drafts(events), dialect.now(), mayAppend());
    }

    /** Each value is chosen by the number of its event, so that none of them stands in a list. */
    private String ofNumbers(int events) {
        String numbers = IntStream.rangeClosed(1, events)
                .mapToObj(n -> dialect.row() + "(" + n + ")")
                .collect(Collectors.joining(", "));
        return """
                WITH draft (n) AS (VALUES %s)
                SELECT s.id, :after + draft.n, %s, %s, s.fence, %s, %s, %s, %s, %s
                FROM perdure_session s CROSS JOIN draft
                WHERE %s""".formatted(
                        numbers,
                        chosen("event", events),
                        chosen("turn", events),
                        dialect.now(),
                        chosen("type", events),
                        chosen("progress", events),
                        chosen("codec", events),
                        chosen("body", events),
                        mayAppend());
    }

    private static String chosen(String column, int events) {
        return Stream.concat(Stream.of("draft.n"), parameters(column, events))
                .collect(Collectors.joining(", ", "elt(", ")"));
    }

    /** {@code :id0}, {@code :id1}. */
    private static Stream<String> parameters(String name, int count) {
        return IntStream.range(0, count).mapToObj(i -> ":" + name + i);
    }

    /** Asked after an insert that does not answer. */
    String writtenAt() {
        return "SELECT at FROM perdure_event WHERE session = :session AND seq = :seq";
    }

    /** Before an append in a transaction, which would else share the row first and could then deadlock with a post. Empty where nobody shares. */
    String lock() {
        return dialect.updateLock().isEmpty()
                ? ""
                : "SELECT s.id FROM perdure_session s WHERE s.id = :session" + dialect.updateLock();
    }

    /** The first event of a session. */
    String start() {
        return """
                INSERT INTO perdure_event (session, seq, id, turn, fence, at, type, progress, codec, body)
                VALUES (:session, 1, :id, :turn, 0, %s, :type, :progress, :codec, :body)""".formatted(dialect.now());
    }

    private String drafts(int events) {
        return rows(dialect.row(), events, "n", "event", "turn", "type", "progress", "codec", "body");
    }

    private String mayAppend() {
        return """
                s.id = :session AND %s AND EXISTS (
                  SELECT 1 FROM perdure_event e WHERE e.session = s.id AND e.seq = :after AND e.id = :afterId)""".formatted(held());
    }

    /**
     * An append with all that goes with it, for databases where one statement can write to several tables. It looks whether everything is there to be
     * consumed before it writes anything, because nobody could take back a half of it.
     */
    String appendTogether(Batch batch) {
        int events = batch.events().size();
        StringBuilder sql = new StringBuilder("""
                WITH held (session, fence) AS (
                  SELECT s.id, s.fence FROM perdure_session s WHERE %s%s%s),
                draft (n, event, turn, type, progress, codec, body) AS (VALUES %s),
                written (at) AS (
                  INSERT INTO perdure_event (session, seq, id, turn, fence, at, type, progress, codec, body)
                  SELECT held.session, :after + draft.n, draft.event, draft.turn, held.fence, %s, draft.type, draft.progress, draft.codec, draft.body
                  FROM held CROSS JOIN draft ORDER BY draft.n RETURNING at)""".formatted(
                        mayAppend(),
                        batch.consumed().isEmpty() ? "" : " AND (" + consumable() + ") = :consuming",
                        dialect.updateLock(),
                        drafts(events),
                        dialect.now()));
        if (!batch.consumed().isEmpty()) {
            sql.append(",\nconsumed AS (")
                    .append(consume("held.session", " FROM held"))
                    .append(")");
        }
        if (!batch.opened().isEmpty()) {
            sql.append(",\nopened AS (").append(ask(batch.opened().size())).append(")");
        }
        if (!batch.closed().isEmpty()) {
            sql.append(",\nclosed AS (DELETE FROM perdure_question USING held"
                    + " WHERE perdure_question.session = held.session AND question_key IN (<closed>))");
        }
        if (batch.agent() != null || batch.release() != null) {
            sql.append(",\nchanged AS (")
                    .append(change(batch, " FROM held", "held.session"))
                    .append(")");
        }
        return sql.append("\nSELECT at FROM written").toString();
    }

    String held() {
        return HELD;
    }

    String consume() {
        return consume(":session", "");
    }

    private static String consume(String session, String from) {
        return """
                UPDATE perdure_inbox SET consumed = :seq, body = :empty%s
                WHERE perdure_inbox.session = %s AND position IN (<positions>) AND consumed IS NULL""".formatted(from, session);
    }

    private static String consumable() {
        return "SELECT count(*) FROM perdure_inbox i"
                + " WHERE i.session = s.id AND i.position IN (<positions>) AND i.consumed IS NULL";
    }

    String ask() {
        return """
                INSERT INTO perdure_question (session, question_key, tenant, asked_at, kind, call_id, tool, arguments, text)
                VALUES (:session, :key, :tenant, %s, :kind, :call, :tool, :arguments, :text)""".formatted(dialect.now());
    }

    private String ask(int questions) {
        return """
                INSERT INTO perdure_question (session, question_key, tenant, asked_at, kind, call_id, tool, arguments, text)
                SELECT held.session, asked.key, :tenant, %s, asked.kind, asked.call, asked.tool, asked.arguments, asked.text
                FROM held CROSS JOIN (VALUES %s) AS asked (key, kind, call, tool, arguments, text)""".formatted(dialect.now(), rows("", questions, "key", "kind", "call", "tool", "arguments", "text"));
    }

    /** What an append does to the session's row: hands it over, gives the lease back, or both. */
    String change(Batch batch) {
        return change(batch, "", ":session");
    }

    private String change(Batch batch, String from, String session) {
        StringBuilder sql = new StringBuilder("UPDATE perdure_session AS s SET changed_at = ").append(dialect.now());
        if (batch.agent() != null) {
            sql.append(", agent = :agent");
        }
        if (batch.release() != null) {
            sql.append(release());
        }
        return sql.append(from).append(" WHERE s.id = ").append(session).toString();
    }

    /** A post between the holder's last look and this must not be missed. */
    private String release() {
        return ", status = %s, ready_at = %s, lease_until = NULL".formatted(releasedStatus(), dialect.now());
    }

    String releasedStatus() {
        return "CASE WHEN :target IN ('IDLE', 'WAITING') AND inbox_head > :seen THEN 'READY' ELSE :target END";
    }

    String create() {
        return """
                INSERT INTO perdure_session (tenant, name, agent, status, labels, fence, attempts, claim_seq,
                  retry_at, ready_at, inbox_head, opened_at, changed_at)
                VALUES (:tenant, :name, :agent, 'IDLE', :labels, 0, 0, 0, 0, 0, 0, %1$s, %1$s)""".formatted(dialect.now());
    }

    /** Nothing is kept for a session that is deleted in this moment. */
    String keepBlob() {
        return """
                INSERT INTO perdure_blob (session, sha256, size, body)
                SELECT s.id, :sha256, :size, :body FROM perdure_session s
                WHERE s.tenant = :tenant AND s.name = :name AND s.status <> 'DELETED'%s""".formatted(dialect.shareLock());
    }

    /** Whoever held the session last replaces what is there; of a log that does not have the event nothing is kept. For databases whose claims do not wait. */
    String keepSnapshotTogether() {
        return """
                INSERT INTO perdure_snapshot (session, seq, event, at, codec, body)
                SELECT s.id, :seq, :event, %s, :codec, :body FROM perdure_session s JOIN perdure_event e ON e.session = s.id
                WHERE %s%s
                ON CONFLICT (session) DO UPDATE SET seq = excluded.seq, event = excluded.event, at = excluded.at,
                  codec = excluded.codec, body = excluded.body""".formatted(dialect.now(), MAY_KEEP, dialect.shareLock());
    }

    /** One row for the last holder of the session, if its log has the event. */
    String mayKeepSnapshot() {
        return "SELECT s.id FROM perdure_session s JOIN perdure_event e ON e.session = s.id WHERE " + MAY_KEEP;
    }

    String keepSnapshot() {
        return "INSERT INTO perdure_snapshot (session, seq, event, at, codec, body) VALUES (:session, :seq, :event, "
                + dialect.now() + ", :codec, :body)";
    }

    /** Whoever held the session last may do it after its release, too; a deletion takes the fence away. */
    private static final String MAY_KEEP =
            "s.id = :session AND s.fence = :fence AND s.owner = :owner AND e.seq = :seq AND e.id = :event";

    /**
     * Changes the row whatever the session waits for, so that it meets a release of the same moment, and gives the item its place. No row when the session
     * is over or the key is taken.
     */
    String arrive() {
        String wakes = "(status IN ('IDLE', 'WAITING') OR (status = 'QUARANTINED' AND :resume = 1))";
        return """
                UPDATE perdure_session SET inbox_head = inbox_head + 1,
                  ready_at = CASE WHEN %1$s THEN %2$s ELSE ready_at END,
                  status = CASE WHEN %1$s THEN 'READY' ELSE status END,
                  attempts = CASE WHEN :resume = 1 THEN 0 ELSE attempts END,
                  retry_at = CASE WHEN :resume = 1 THEN 0 ELSE retry_at END,
                  changed_at = %2$s
                WHERE tenant = :tenant AND name = :name AND status NOT IN ('ENDED', 'DELETED')
                  AND NOT EXISTS (SELECT 1 FROM perdure_inbox i WHERE i.session = perdure_session.id AND i.idem_key = :key)""".formatted(wakes, dialect.now());
    }

    /** {@link #arrive} where it answers. */
    String arriveAnswering() {
        return arrive() + " RETURNING id, inbox_head";
    }

    /** After {@link #arrive} where it does not. */
    String arrived() {
        return "SELECT id, inbox_head FROM perdure_session WHERE tenant = :tenant AND name = :name";
    }

    /**
     * A post in one statement, for databases where one can write to several tables: so nothing is left locked by a process that is frozen in the
     * middle of it. A key that is there already answers no row, or clashes.
     */
    String postTogether() {
        return "WITH arrival AS (" + arriveAnswering() + """
                ),
                item AS (
                  INSERT INTO perdure_inbox (session, idem_key, position, kind, actor_kind, actor, hash, at, body)
                  SELECT id, :key, inbox_head, :kind, :actorKind, :actor, :hash, %s, :body FROM arrival)
                SELECT id, inbox_head FROM arrival""".formatted(dialect.now());
    }

    String enqueue() {
        return """
                INSERT INTO perdure_inbox (session, idem_key, position, kind, actor_kind, actor, hash, at, body)
                VALUES (:session, :key, :position, :kind, :actorKind, :actor, :hash, %s, :body)""".formatted(dialect.now());
    }

    /** {@code (:id0, :fence0), (:id1, :fence1)}. */
    private String rows(String before, int count, String... columns) {
        return IntStream.range(0, count)
                .mapToObj(i -> before
                        + Stream.of(columns)
                                .map(column -> dialect.typed(column, ":" + column + i))
                                .collect(ROW))
                .collect(Collectors.joining(", "));
    }
}
