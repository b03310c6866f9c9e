package dev.perdure.session.jdbc;

import dev.perdure.session.Actor;
import dev.perdure.session.Event;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Post;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.SessionStore.Terms;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;
import org.jspecify.annotations.Nullable;

/** What is sent to sessions. Thread-safe. */
final class Inbox {
    private final Database database;
    private final Statements sql;
    private final Claims claims;

    Inbox(Database database, Statements sql, Claims claims) {
        this.database = database;
        this.sql = sql;
        this.claims = claims;
    }

    Posted post(SessionId id, Post item, @Nullable Terms terms) {
        if (terms != null) {
            claims.enlist(terms.worker());
        }
        byte[] hash = hash(item);
        try {
            return database.decide(id, handle -> {
                long position = database.writesTogether()
                        ? arriveTogether(handle, id, item, hash)
                        : arrive(handle, id, item, hash);
                return new Posted.Accepted(position, terms == null ? null : claim(handle, id, terms));
            });
        } catch (NotArrived | Faults.Clash e) {
            return database.read(id, handle -> whyNot(handle, id, item, hash));
        }
    }

    private long arriveTogether(Handle handle, SessionId id, Post item, byte[] hash) {
        return bind(handle.createQuery(sql.postTogether()), id, item)
                .bind("key", item.key())
                .bind("kind", item.kind().name())
                .bind("actorKind", item.from().kind().name())
                .bind("actor", item.from().name())
                .bind("hash", hash)
                .bind("body", item.body().text().getBytes(StandardCharsets.UTF_8))
                .mapTo(Long.class)
                .findOne()
                .orElseThrow(NotArrived::new);
    }

    private Query bind(Query query, SessionId id, Post item) {
        return query.bind("tenant", id.tenant().value())
                .bind("name", id.name())
                .bind("resume", item.kind() == Event.InputKind.RESUME ? 1 : 0)
                .bind("now", database.now());
    }

    List<InboxItem> list(SessionId id, long after, int limit) {
        Limits.require(limit);
        return database.read(
                id,
                handle -> handle.createQuery("""
                        SELECT i.position, i.key, i.kind, i.actor_kind, i.actor, i.body, i.at
                        FROM perdure_session s JOIN perdure_inbox i ON i.session = s.id
                        WHERE s.tenant = :tenant AND s.name = :name AND i.position > :after AND i.consumed IS NULL
                        ORDER BY i.position LIMIT :limit""")
                        .bind("tenant", id.tenant().value())
                        .bind("name", id.name())
                        .bind("after", after)
                        .bind("limit", limit)
                        .map((row, context) -> item(row))
                        .list());
    }

    private long arrive(Handle handle, SessionId id, Post item, byte[] hash) {
        Arrival arrival = bind(handle.createQuery(sql.arrive() + " RETURNING id, inbox_head, status"), id, item)
                .map((row, context) -> new Arrival(
                        row.getLong(1), row.getLong(2), Stored.constant(SessionStatus.class, row.getString(3))))
                .findOne()
                .filter(Arrival::open)
                .orElseThrow(NotArrived::new);
        int added = handle.createUpdate(sql.enqueue())
                .bind("session", arrival.session())
                .bind("key", item.key())
                .bind("position", arrival.position())
                .bind("kind", item.kind().name())
                .bind("actorKind", item.from().kind().name())
                .bind("actor", item.from().name())
                .bind("hash", hash)
                .bind("now", database.now())
                .bind("body", item.body().text().getBytes(StandardCharsets.UTF_8))
                .execute();
        if (added != 1) {
            throw new NotArrived();
        }
        return arrival.position();
    }

    private @Nullable Lease claim(Handle handle, SessionId id, Terms terms) {
        return claims.claim(handle, id, terms) instanceof Claimed.Held held ? held.lease() : null;
    }

    /** An item that is there counts even after the end, so that a repeat hears the same as the first try would have. */
    private static Posted whyNot(Handle handle, SessionId id, Post item, byte[] hash) {
        Optional<Posted> earlier = handle.createQuery("""
                        SELECT i.position, i.hash FROM perdure_session s JOIN perdure_inbox i ON i.session = s.id
                        WHERE s.tenant = :tenant AND s.name = :name AND i.key = :key""")
                .bind("tenant", id.tenant().value())
                .bind("name", id.name())
                .bind("key", item.key())
                .map((row, context) -> earlier(row.getLong(1), Arrays.equals(hash, row.getBytes(2))))
                .findOne();
        return earlier.orElseGet(() -> hasEnded(handle, id) ? new Posted.Ended() : new Posted.Unknown());
    }

    private static Posted earlier(long position, boolean same) {
        return same ? new Posted.Duplicate(position) : new Posted.Conflict(position);
    }

    private static boolean hasEnded(Handle handle, SessionId id) {
        return handle.createQuery("SELECT status FROM perdure_session WHERE tenant = :tenant AND name = :name")
                .bind("tenant", id.tenant().value())
                .bind("name", id.name())
                .mapTo(String.class)
                .findOne()
                .filter(SessionStatus.ENDED.name()::equals)
                .isPresent();
    }

    private static byte[] hash(Post item) {
        return HexFormat.of().parseHex(item.digest());
    }

    private static InboxItem item(ResultSet row) throws SQLException {
        return new InboxItem(
                row.getLong(1),
                row.getString(2),
                Stored.constant(Event.InputKind.class, row.getString(3)),
                new Actor(Stored.constant(Actor.Kind.class, row.getString(4)), row.getString(5)),
                Json.parse(new String(row.getBytes(6), StandardCharsets.UTF_8)),
                Instant.ofEpochMilli(row.getLong(7)));
    }

    /** A session's row after a post has changed it. */
    private record Arrival(long session, long position, SessionStatus status) {
        boolean open() {
            return status != SessionStatus.ENDED && status != SessionStatus.DELETED;
        }
    }

    /** Rolls the transaction back: the row must look as if nothing had come. */
    private static final class NotArrived extends RuntimeException {
        private static final long serialVersionUID = 1;

        NotArrived() {
            super(null, null, false, false);
        }
    }
}
