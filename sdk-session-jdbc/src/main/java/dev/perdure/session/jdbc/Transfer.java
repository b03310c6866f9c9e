package dev.perdure.session.jdbc;

import dev.perdure.session.Actor;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.SessionStore.Image;
import dev.perdure.spi.StoreException;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BiConsumer;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes a session to another store and back. What is restored has a row without a name, as what is being removed has, until its last commit names it; so
 * {@link Removal} takes away what a process leaves that dies in the middle. Thread-safe.
 */
final class Transfer {
    private static final Logger LOG = LoggerFactory.getLogger(Transfer.class);

    /** In one commit; rows of an inbox too. */
    private static final int EVENTS = 500;

    private static final int CHARACTERS = 4 << 20;

    /** How long a restoration may take from one commit to the next until it counts as given up. */
    private static final long PATIENCE = 3_600_000;

    private final Database database;
    private final Statements sql;
    private final Sessions sessions;
    private final Questions questions;
    private final Removal removal;

    Transfer(Database database, Statements sql, Sessions sessions, Questions questions, Removal removal) {
        this.database = database;
        this.sql = sql;
        this.sessions = sessions;
        this.questions = questions;
        this.removal = removal;
    }

    Optional<Image> image(SessionId id) {
        return database.readAtOnce(
                id,
                handle -> sessions.row(handle, id)
                        .filter(row -> row.status() != SessionStatus.DELETED)
                        .map(row -> image(handle, row)));
    }

    boolean restore(Image image, Iterator<Recorded> events, Iterator<byte[]> blobs) {
        SessionId id = image.session().id();
        if (sessions.find(id).isPresent()) {
            return false;
        }
        Nameless draft = begin(image);
        boolean named = false;
        try {
            items(id, draft, image.items());
            events(image, draft, events);
            blobs(id, draft, blobs);
            named = name(image, draft);
        } finally {
            if (!named) {
                giveUp(id, draft);
            }
        }
        return named;
    }

    // ---- out

    private Image image(Handle handle, SessionRow row) {
        Position head = handle.createQuery("SELECT id FROM perdure_event WHERE session = :session AND seq = :head")
                .bind("session", row.key())
                .bind("head", row.head())
                .map((columns, context) -> new Position(row.head(), new EventId(Uuids.of(columns.getBytes(1)))))
                .one();
        List<Image.Item> items = handle.createQuery("""
                        SELECT i.position, i.key, i.kind, i.actor_kind, i.actor, i.at, i.hash, i.consumed, i.body
                        FROM perdure_inbox i WHERE i.session = :session ORDER BY i.position""")
                .bind("session", row.key())
                .map((columns, context) -> item(columns))
                .list();
        return new Image(row.info(), row.fence(), head, row.inboxHead(), items, questions.of(handle, row.key()));
    }

    private static Image.Item item(ResultSet row) throws SQLException {
        long consumed = row.getLong(8);
        return new Image.Item(
                row.getLong(1),
                row.getString(2),
                Stored.constant(Event.InputKind.class, row.getString(3)),
                new Actor(Stored.constant(Actor.Kind.class, row.getString(4)), row.getString(5)),
                Instant.ofEpochMilli(row.getLong(6)),
                HexFormat.of().formatHex(row.getBytes(7)),
                consumed,
                consumed > 0 ? null : Json.parse(new String(row.getBytes(9), StandardCharsets.UTF_8)));
    }

    // ---- in

    private Nameless begin(Image image) {
        SessionInfo session = image.session();
        String name = "restoring-" + UUID.randomUUID();
        return database.transact(session.id(), handle -> {
            handle.createUpdate("""
                            INSERT INTO perdure_session (tenant, name, agent, status, labels, fence, attempts, claim_seq,
                              retry_at, ready_at, inbox_head, opened_at, changed_at)
                            VALUES (:nobody, :name, :agent, 'DELETED', :labels, :fence, :attempts, :head,
                              %1$s + :patience, 0, :inboxHead, :openedAt, %1$s)""".formatted(sql.now()))
                    .bind("nobody", Nameless.NOBODY)
                    .bind("name", name)
                    .bind("agent", session.agent())
                    .bind("labels", Json.of(session.labels()).text())
                    .bind("fence", image.fence())
                    .bind("attempts", session.attempts())
                    .bind("head", image.head().seq())
                    .bind("patience", PATIENCE)
                    .bind("inboxHead", image.inboxHead())
                    .bind("openedAt", session.openedAt().toEpochMilli())
                    .bind("now", database.now())
                    .execute();
            long key = handle.createQuery("SELECT id FROM perdure_session WHERE tenant = :nobody AND name = :name")
                    .bind("nobody", Nameless.NOBODY)
                    .bind("name", name)
                    .mapTo(Long.class)
                    .one();
            return new Nameless(key, name);
        });
    }

    private void items(SessionId id, Nameless draft, List<Image.Item> items) {
        for (int from = 0; from < items.size(); from += EVENTS) {
            List<Image.Item> some = items.subList(from, Math.min(from + EVENTS, items.size()));
            add(id, draft, """
                    INSERT INTO perdure_inbox (session, key, position, kind, actor_kind, actor, hash, at, consumed, body)
                    VALUES (:session, :key, :position, :kind, :actorKind, :actor, :hash, :at, :consumed, :body)""", some, Transfer::bind);
        }
    }

    private static void bind(PreparedBatch batch, Image.Item item) {
        batch.bind("key", item.key())
                .bind("position", item.position())
                .bind("kind", item.kind().name())
                .bind("actorKind", item.from().kind().name())
                .bind("actor", item.from().name())
                .bind("hash", HexFormat.of().parseHex(item.digest()))
                .bind("at", item.at().toEpochMilli())
                .bind("consumed", item.consumed() == 0 ? null : item.consumed())
                .bind("body", item.findBody().map(Json::text).orElse("").getBytes(StandardCharsets.UTF_8));
    }

    private void events(Image image, Nameless draft, Iterator<Recorded> events) {
        SessionId id = image.session().id();
        Position last = Position.START;
        while (events.hasNext()) {
            List<Recorded> some = some(id, last.seq(), events);
            last = some.get(some.size() - 1).position();
            add(id, draft, """
                    INSERT INTO perdure_event (session, seq, id, turn, fence, at, type, progress, codec, body)
                    VALUES (:session, :seq, :id, :turn, :fence, :at, :type, :progress, 0, :body)""", some, Transfer::bind);
        }
        if (!last.equals(image.head())) {
            throw new IllegalArgumentException("the events of " + id + " end at " + last + ", not at " + image.head());
        }
    }

    /** As many as go into one commit. */
    private static List<Recorded> some(SessionId id, long after, Iterator<Recorded> events) {
        List<Recorded> some = new ArrayList<>();
        for (int size = 0; some.size() < EVENTS && size < CHARACTERS && events.hasNext(); ) {
            Recorded event = events.next();
            some.add(event);
            size += event.json().length();
            if (event.seq() != after + some.size()) {
                throw new IllegalArgumentException("after event " + (after + some.size() - 1) + " of " + id
                        + " comes the next one, not " + event.seq());
            }
        }
        return some;
    }

    private static void bind(PreparedBatch batch, Recorded event) {
        batch.bind("seq", event.seq())
                .bind("id", Uuids.bytes(event.id().value()))
                .bind("turn", event.turn())
                .bind("fence", event.fence())
                .bind("at", event.at().toEpochMilli())
                .bind("type", event.event().type())
                .bind("progress", event.event().movesForward() ? 1 : 0)
                .bind("body", event.json().getBytes(StandardCharsets.UTF_8));
    }

    private void blobs(SessionId id, Nameless draft, Iterator<byte[]> blobs) {
        while (blobs.hasNext()) {
            add(id, draft, """
                    INSERT INTO perdure_blob (session, sha256, size, body) VALUES (:session, :sha256, :size, :body)
                    ON CONFLICT (session, sha256) DO NOTHING""", List.of(blobs.next()), Transfer::bind);
        }
    }

    private static void bind(PreparedBatch batch, byte[] blob) {
        batch.bind("sha256", Hashes.hex(blob)).bind("size", (long) blob.length).bind("body", blob);
    }

    /** One commit; the draft is held meanwhile, so that nobody takes it for given up. */
    private <T> void add(
            SessionId id, Nameless draft, String insert, List<T> rows, BiConsumer<PreparedBatch, T> binding) {
        database.transact(id, handle -> {
            int held = handle.createUpdate(
                            "UPDATE perdure_session SET retry_at = " + sql.now() + " + :patience WHERE " + Nameless.ROW)
                    .bind("patience", PATIENCE)
                    .bind("now", database.now())
                    .bindMap(draft.row())
                    .execute();
            requireHeld(id, held);
            PreparedBatch batch = handle.prepareBatch(insert);
            for (T row : rows) {
                binding.accept(batch.bind("session", draft.key()), row);
                batch.add();
            }
            return batch.execute();
        });
    }

    /** @return false when somebody made a session of that name meanwhile */
    private boolean name(Image image, Nameless draft) {
        SessionId id = image.session().id();
        SessionStatus was = image.session().status();
        try {
            return database.transact(id, handle -> {
                int named = handle.createUpdate("""
                                UPDATE perdure_session SET tenant = :tenant, name = :name, status = :status, retry_at = 0,
                                  ready_at = %1$s, changed_at = %1$s WHERE %2$s""".formatted(sql.now(), Nameless.ROW))
                        .bind("tenant", id.tenant().value())
                        .bind("name", id.name())
                        .bind("status", (was == SessionStatus.RUNNING ? SessionStatus.READY : was).name())
                        .bind("now", database.now())
                        .bindMap(draft.row())
                        .execute();
                requireHeld(id, named);
                questions.restore(handle, draft.key(), image.questions());
                return true;
            });
        } catch (Faults.Clash e) {
            return false;
        }
    }

    private static void requireHeld(SessionId id, int held) {
        if (held != 1) {
            throw StoreException.unavailable(
                    "the session " + id + " was restored too slowly: what was there of it has been removed as left"
                            + " behind; begin again",
                    id,
                    null);
        }
    }

    /** Best effort, lest it hide why: what stays is removed by a later purge. */
    private void giveUp(SessionId id, Nameless draft) {
        try {
            removal.empty(draft);
        } catch (RuntimeException e) {
            LOG.debug("{}: what was restored of it is left for a purge to remove", id, e);
        }
    }
}
