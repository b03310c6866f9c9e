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
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.SqlStatement;
import org.jspecify.annotations.Nullable;

/** What is sent to sessions. Thread-safe. */
final class Inbox {
    private final Database database;
    private final Statements sql;
    private final Claims claims;
    private final BodyCodec codec;
    private final Hints hints;

    Inbox(Database database, Statements sql, Claims claims, BodyCodec codec, Hints hints) {
        this.database = database;
        this.sql = sql;
        this.claims = claims;
        this.codec = codec;
        this.hints = hints;
    }

    Posted post(SessionId id, Post item, @Nullable Terms terms) {
        if (terms != null) {
            claims.enlist(terms.worker());
        }
        Form form = form(id, item);
        database.requireFits(id, List.of(form.body), Function.identity());
        try {
            Came came = database.together(id, handle -> {
                Arrival arrival = arrive(handle, id, item, form);
                return new Came(arrival, terms == null ? null : claims.claim(handle, id, terms));
            });
            if (came.lease() == null) {
                hints.changed(came.arrival().session());
            }
            return new Posted.Accepted(came.arrival().position(), came.lease(), came.quarantined());
        } catch (NotArrived | Faults.Clash e) {
            return answer(id, item, database.read(id, handle -> look(handle, id, item, "")));
        }
    }

    /** Within a transaction of somebody else: nothing is tried again, because whatever failed may have ended it; and nobody is told, for it may not commit. */
    Posted post(Connection connection, SessionId id, Post item) {
        Form form = form(id, item);
        database.requireFits(id, List.of(form.body), Function.identity());
        try {
            return database.within(connection, id, handle -> {
                try {
                    return new Posted.Accepted(arrive(handle, id, item, form).position());
                } catch (NotArrived e) {
                    // Not from the snapshot with which the transaction may have begun: what is in the way may be newer.
                    return answer(
                            id, item, look(handle, id, item, database.dialect().shareLock()));
                }
            });
        } catch (Faults.Clash e) {
            throw StoreException.unavailable(
                    "somebody else sends to " + id + " under the same key at this moment; roll back, then repeat the"
                            + " transaction",
                    id,
                    e.getCause());
        }
    }

    private Arrival arrive(Handle handle, SessionId id, Post item, Form form) {
        return database.dialect().writesTogether()
                ? arriveTogether(handle, id, item, form)
                : arriveOneByOne(handle, id, item, form);
    }

    private Arrival arriveTogether(Handle handle, SessionId id, Post item, Form form) {
        return bind(handle.createQuery(sql.postTogether()), id, item)
                .bind("kind", item.kind().name())
                .bind("actorKind", item.from().kind().name())
                .bind("actor", item.from().name())
                .bind("hash", form.hash)
                .bind("body", form.body)
                .map((row, context) -> new Arrival(row.getLong(1), row.getLong(2)))
                .findOne()
                .orElseThrow(NotArrived::new);
    }

    private <S extends SqlStatement<S>> S bind(S statement, SessionId id, Post item) {
        return statement
                .bind("tenant", id.tenant().value())
                .bind("name", id.name())
                .bind("key", item.key())
                .bind("resume", item.kind() == Event.InputKind.RESUME ? 1 : 0)
                .bind("now", database.now());
    }

    List<InboxItem> list(SessionId id, long after, int limit) {
        Limits.require(limit);
        List<Row> rows = database.read(
                id,
                handle -> handle.createQuery("""
                        SELECT i.position, i.idem_key, i.kind, i.actor_kind, i.actor, i.body, i.at
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

    private Arrival arriveOneByOne(Handle handle, SessionId id, Post item, Form form) {
        Arrival arrival = arrival(handle, id, item).orElseThrow(NotArrived::new);
        handle.createUpdate(sql.enqueue())
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
        return arrival;
    }

    private Optional<Arrival> arrival(Handle handle, SessionId id, Post item) {
        if (database.dialect().answersUpdates()) {
            return arrival(bind(handle.createQuery(sql.arriveAnswering()), id, item));
        }
        return bind(handle.createUpdate(sql.arrive()), id, item).execute() == 1
                ? arrival(bind(handle.createQuery(sql.arrived()), id, item))
                : Optional.empty();
    }

    private static Optional<Arrival> arrival(Query query) {
        return query.map((row, context) -> new Arrival(row.getLong(1), row.getLong(2)))
                .findOne();
    }

    /** An item that is there counts even after the end, so that a repeat hears the same as the first try would have. */
    private Posted answer(SessionId id, Post item, Found found) {
        Earlier earlier = found.earlier();
        if (earlier == null) {
            return found.ended() ? new Posted.Ended() : new Posted.Unknown();
        }
        return earlier.hash.length == 0 || codec.matches(id, earlier.hash, identity(item))
                ? new Posted.Duplicate(earlier.position)
                : new Posted.Conflict(earlier.position);
    }

    private static Found look(Handle handle, SessionId id, Post item, String lock) {
        Optional<Earlier> earlier = handle.createQuery("""
                        SELECT i.position, i.hash FROM perdure_session s JOIN perdure_inbox i ON i.session = s.id
                        WHERE s.tenant = :tenant AND s.name = :name AND i.idem_key = :key""" + lock)
                .bind("tenant", id.tenant().value())
                .bind("name", id.name())
                .bind("key", item.key())
                .map((row, context) -> new Earlier(row.getLong(1), row.getBytes(2)))
                .findOne();
        boolean ended = earlier.isEmpty()
                && handle.createQuery(
                                "SELECT s.status FROM perdure_session s WHERE s.tenant = :tenant AND s.name = :name"
                                        + lock)
                        .bind("tenant", id.tenant().value())
                        .bind("name", id.name())
                        .mapTo(String.class)
                        .findOne()
                        .filter(SessionStatus.ENDED.name()::equals)
                        .isPresent();
        return new Found(earlier.orElse(null), ended);
    }

    private Form form(SessionId id, Post item) {
        BodyPlace place = BodyPlace.item(id, item.key(), item.kind(), item.from());
        return new Form(codec.encode(place, text(item)), codec.fingerprint(id, identity(item)));
    }

    /** What makes two items under one key the same. */
    static byte[] identity(Post item) {
        return (item.kind() + "\n" + item.body().text()).getBytes(StandardCharsets.UTF_8);
    }

    static byte[] text(Post item) {
        return item.body().text().getBytes(StandardCharsets.UTF_8);
    }

    private InboxItem item(SessionId id, Row row) {
        BodyPlace place = BodyPlace.item(id, row.key, row.kind, row.from);
        String body = new String(codec.decode(place, row.body), StandardCharsets.UTF_8);
        Json json;
        try {
            json = Json.parse(body);
        } catch (IllegalArgumentException e) {
            throw StoreException.unusable(
                    "inbox item at position " + row.position + " of " + id
                            + " is no JSON any more; restore it from a backup",
                    id,
                    null);
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

    /** An item that was there already; without a hash, when it was restored and its text is not known. */
    private static final class Earlier {
        private final long position;
        private final byte[] hash;

        Earlier(long position, byte[] hash) {
            this.position = position;
            this.hash = hash;
        }
    }

    /** Why an item has not arrived. */
    private record Found(@Nullable Earlier earlier, boolean ended) {}

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

    /** Where an item has come to. */
    private record Arrival(long session, long position) {}

    /** Where an item has come to, and what came of the claim. */
    private record Came(Arrival arrival, @Nullable Claimed claimed) {
        @Nullable
        Lease lease() {
            return claimed instanceof Claimed.Held held ? held.lease() : null;
        }

        boolean quarantined() {
            return claimed instanceof Claimed.Quarantined set && set.now();
        }
    }

    /** Nothing was written. */
    private static final class NotArrived extends RuntimeException {
        private static final long serialVersionUID = 1;

        NotArrived() {
            super(null, null, false, false);
        }
    }
}
