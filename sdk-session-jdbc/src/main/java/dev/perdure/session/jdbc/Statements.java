package dev.perdure.session.jdbc;

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
     * Numbers of sessions with something to do, each tenant's first before any tenant's second.
     *
     * @param excluding whether {@code :excluded} is bound
     * @param dying whether {@code :dead} is bound
     */
    String candidates(boolean excluding, boolean dying) {
        String filter = "s.agent IN (<agents>)" + (excluding ? " AND s.tenant NOT IN (<excluded>)" : "")
                + " AND (s.retry_at <= " + dialect.now() + " OR " + PROGRESSED + ")";
        return """
                SELECT id FROM (
                  SELECT id, since, row_number() OVER (PARTITION BY tenant ORDER BY since, id) AS place FROM (
                    SELECT s.id, s.tenant, s.ready_at AS since FROM perdure_session s
                      WHERE s.status = 'READY' AND %s
                    UNION ALL
                    SELECT s.id, s.tenant, s.lease_until AS since FROM perdure_session s
                      WHERE s.status = 'RUNNING' AND (s.lease_until <= %s%s) AND %s
                  ) due
                ) ranked WHERE place <= :perTenant ORDER BY place, since, id LIMIT :max""".formatted(filter, dialect.now(), dying ? " OR s.owner IN (<dead>)" : "", filter);
    }

    String candidateRows() {
        return session("s.id IN (<ids>) AND s.status IN ('READY', 'RUNNING')") + dialect.skipLocked();
    }

    /** Owners whose leases have not run out. */
    String owners() {
        return "SELECT DISTINCT owner FROM perdure_session WHERE status = 'RUNNING' AND lease_until > " + dialect.now();
    }

    String take() {
        return """
                UPDATE perdure_session SET status = 'RUNNING', fence = :fence, owner = :owner, lease_until = :until,
                  attempts = :attempts, claim_seq = :head, retry_at = :retryAt, changed_at = :at
                WHERE id = :id AND fence = :oldFence""";
    }

    /** The one that held it, if it is only slow, has lost it: status is part of what a write proves. */
    String quarantine() {
        return """
                UPDATE perdure_session SET status = 'QUARANTINED', lease_until = NULL, changed_at = :at
                WHERE id = :id AND fence = :oldFence""";
    }

    /** All leases at once; a lease that is lost matches no row. */
    String renew(int leases) {
        return """
                WITH held (id, fence, owner) AS (VALUES %s)
                UPDATE perdure_session SET lease_until = %s + :ttl FROM held
                WHERE perdure_session.id = held.id AND perdure_session.fence = held.fence
                  AND perdure_session.owner = held.owner AND perdure_session.status = 'RUNNING'
                RETURNING perdure_session.id, perdure_session.inbox_head""".formatted(rows(leases, "id", "fence", "owner"), dialect.now());
    }

    /** Writes nothing unless the lease is the newest and the log ends where the writer thinks; a taken number clashes. */
    String append(int events) {
        return """
                INSERT INTO perdure_event (session, seq, id, turn, fence, at, type, progress, codec, body)
                WITH draft (n, id, turn, type, progress, body) AS (VALUES %s)
                SELECT s.id, :after + draft.n, draft.id, draft.turn, s.fence, %s, draft.type, draft.progress, 0, draft.body
                FROM perdure_session s CROSS JOIN draft
                WHERE s.id = :session AND %s AND EXISTS (
                  SELECT 1 FROM perdure_event e WHERE e.session = s.id AND e.seq = :after AND e.id = :afterId)
                ORDER BY draft.n%s""".formatted(
                        rows(events, "n", "id", "turn", "type", "progress", "body"),
                        dialect.now(),
                        held(),
                        dialect.shareLock());
    }

    String held() {
        return HELD;
    }

    String consume() {
        return """
                UPDATE perdure_inbox SET consumed = :seq, body = :empty
                WHERE session = :session AND position IN (<positions>) AND consumed IS NULL""";
    }

    /** A post between the holder's last look and this must not be missed. */
    String release() {
        return """
                UPDATE perdure_session SET status = %s, ready_at = %s, lease_until = NULL, changed_at = :at
                WHERE id = :session""".formatted(releasedStatus(), dialect.now());
    }

    String releasedStatus() {
        return "CASE WHEN :target IN ('IDLE', 'WAITING') AND inbox_head > :seen THEN 'READY' ELSE :target END";
    }

    String handOver() {
        return "UPDATE perdure_session SET agent = :agent, changed_at = :at WHERE id = :session";
    }

    /** Always changes the row, so that it meets a release of the same moment, and gives the item its place. */
    String arrive() {
        String wakes = "(status IN ('IDLE', 'WAITING') OR (status = 'QUARANTINED' AND :resume = 1))";
        return """
                UPDATE perdure_session SET inbox_head = inbox_head + 1,
                  ready_at = CASE WHEN %1$s THEN %2$s ELSE ready_at END,
                  status = CASE WHEN %1$s THEN 'READY' ELSE status END,
                  attempts = CASE WHEN :resume = 1 THEN 0 ELSE attempts END,
                  retry_at = CASE WHEN :resume = 1 THEN 0 ELSE retry_at END,
                  changed_at = %2$s
                WHERE tenant = :tenant AND name = :name RETURNING id, inbox_head, status""".formatted(wakes, dialect.now());
    }

    String enqueue() {
        return """
                INSERT INTO perdure_inbox (session, key, position, kind, actor_kind, actor, hash, at, body)
                VALUES (:session, :key, :position, :kind, :actorKind, :actor, :hash, %s, :body)
                ON CONFLICT (session, key) DO NOTHING""".formatted(dialect.now());
    }

    /** {@code (:id0, :fence0), (:id1, :fence1)}. */
    private static String rows(int count, String... columns) {
        return IntStream.range(0, count)
                .mapToObj(
                        i -> Stream.of(columns).map(column -> ":" + column + i).collect(ROW))
                .collect(Collectors.joining(", "));
    }
}
