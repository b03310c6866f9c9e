package dev.perdure.session.jdbc;

import dev.perdure.session.Actor;
import dev.perdure.session.Event;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.BodyPlace;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Post;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.SessionStore.Terms;
import dev.perdure.spi.StoreException;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;
import org.jspecify.annotations.Nullable;

/** What is sent to sessions. Thread-safe. */
final class Inbox {
    private final Database database;
    private final Statements sql;
    private final Claims claims;
    private final BodyCodec codec;

    Inbox(Database database, Statements sql, Claims claims, BodyCodec codec) {
        this.database = database;
        this.sql = sql;
        this.claims = claims;
        this.codec = codec;
    }

    Posted post(SessionId id, Post item, @Nullable Terms terms) {
        if (terms != null) {
            claims.enlist(terms.worker());
        }
        Form form = form(id, item);
        try {
            return database.decide(id, handle -> {
                long position = database.writesTogether()
                        ? arriveTogether(handle, id, item, form)
                        : arrive(handle, id, item, form);
                return new Posted.Accepted(position, terms == null ? null : claim(handle, id, terms));
            });
        } catch (NotArrived | Faults.Clash e) {
            return whyNot(id, item);
        }
    }

    private long arriveTogether(Handle handle, SessionId id, Post item, Form form) {
        return bind(handle.createQuery(sql.postTogether()), id, item)
                .bind("key", item.key())
                .bind("kind", item.kind().name())
                .bind("actorKind", item.from().kind().name())
                .bind("actor", item.from().name())
                .bind("hash", form.hash)
                .bind("body", form.body)
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
        List<Row> rows = database.read(
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
                        .map((row, context) -> new Row(row))
                        .list());
        return rows.stream().map(row -> item(id, row)).toList();
    }

    private long arrive(Handle handle, SessionId id, Post item, Form form) {
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
                .bind("hash", form.hash)
                .bind("now", database.now())
                .bind("body", form.body)
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
    private Posted whyNot(SessionId id, Post item) {
        Optional<Map.Entry<Long, byte[]>> earlier = database.read(
                id,
                handle -> handle.createQuery("""
                        SELECT i.position, i.hash FROM perdure_session s JOIN perdure_inbox i ON i.session = s.id
                        WHERE s.tenant = :tenant AND s.name = :name AND i.key = :key""")
                        .bind("tenant", id.tenant().value())
                        .bind("name", id.name())
                        .bind("key", item.key())
                        .map((row, context) -> Map.entry(row.getLong(1), row.getBytes(2)))
                        .findOne());
        return earlier.map(there -> compared(id, item, there.getKey(), there.getValue()))
                .orElseGet(() ->
                        database.read(id, handle -> hasEnded(handle, id) ? new Posted.Ended() : new Posted.Unknown()));
    }

    private Posted compared(SessionId id, Post item, long position, byte[] hash) {
        return codec.matches(id, hash, identity(item)) ? new Posted.Duplicate(position) : new Posted.Conflict(position);
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

    private Form form(SessionId id, Post item) {
        byte[] body = item.body().text().getBytes(StandardCharsets.UTF_8);
        BodyPlace place = BodyPlace.item(id, item.key(), item.kind(), item.from());
        return new Form(codec.encode(place, body), codec.fingerprint(id, identity(item)));
    }

    /** What makes two items under one key the same. */
    private static byte[] identity(Post item) {
        return (item.kind() + "\n" + item.body().text()).getBytes(StandardCharsets.UTF_8);
    }

    private InboxItem item(SessionId id, Row row) {
        BodyPlace place = BodyPlace.item(id, row.key, row.kind, row.from);
        String body = new String(codec.decode(place, row.body), StandardCharsets.UTF_8);
        Json json;
        try {
            json = Json.parse(body);
        } catch (IllegalArgumentException e) {
            throw StoreException.unusable(place + " is no JSON any more; restore it from a backup", id, null);
        }
        return new InboxItem(row.position, row.key, row.kind, row.from, json, row.at);
    }

    /** What is stored of an item in another form. */
    private static final class Form {
        private final byte[] body;
        private final byte[] hash;

        Form(byte[] body, byte[] hash) {
            this.body = body;
            this.hash = hash;
        }
    }

    /** An item as it was read: decoded when the connection is given back, for the source of keys may be far away. */
    private static final class Row {
        private final long position;
        private final Event.InputKind kind;
        private final Actor from;
        private final String key;
        private final byte[] body;
        private final Instant at;

        Row(ResultSet row) throws SQLException {
            position = row.getLong(1);
            key = row.getString(2);
            kind = Stored.constant(Event.InputKind.class, row.getString(3));
            from = new Actor(Stored.constant(Actor.Kind.class, row.getString(4)), row.getString(5));
            body = row.getBytes(6);
            at = Instant.ofEpochMilli(row.getLong(7));
        }
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
