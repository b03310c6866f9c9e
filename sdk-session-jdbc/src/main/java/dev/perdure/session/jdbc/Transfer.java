package dev.perdure.session.jdbc;

import dev.perdure.session.Actor;
import dev.perdure.session.BlobRef;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.BodyPlace;
import dev.perdure.spi.SessionStore.Image;
import dev.perdure.spi.SessionStore.Post;
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

    /** A session that changes more often than this while it is looked at is not to be looked at now. */
    private static final int MOST_LOOKS = 100;

    /** Bytes of a hash that is not keyed. */
    private static final int DIGEST = 32;

    /** Of an item whose text nobody knows any more: whatever comes under its key counts as the same. */
    private static final byte[] NO_HASH = {};

    /** How long a restoration may take from one commit to the next until it counts as given up. */
    private static final long PATIENCE = 3_600_000;

    private final Database database;
    private final Statements sql;
    private final Sessions sessions;
    private final Questions questions;
    private final Removal removal;
    private final BodyCodec codec;

    Transfer(
            Database database,
            Statements sql,
            Sessions sessions,
            Questions questions,
            Removal removal,
            BodyCodec codec) {
        this.database = database;
        this.sql = sql;
        this.sessions = sessions;
        this.questions = questions;
        this.removal = removal;
        this.codec = codec;
    }

    Optional<Image> image(SessionId id) {
        for (int look = 0; look < MOST_LOOKS; look++) {
            Optional<SessionRow> row = row(id);
            if (row.isEmpty()) {
                return Optional.empty();
            }
            long key = row.get().key();
            List<Item> items = database.read(id, handle -> items(handle, key));
            List<Question> open = database.read(id, handle -> Questions.of(handle, key));
            Position head = database.read(id, handle -> head(handle, row.get()));
            if (row(id).filter(row.get()::isAsFarAs).isPresent()) {
                return Optional.of(new Image(
                        row.get().info(),
                        row.get().fence(),
                        head,
                        row.get().inboxHead(),
                        items.stream().map(item -> item.decoded(id, codec)).toList(),
                        open.stream().map(questions::decoded).toList()));
            }
        }
        throw StoreException.unavailable(
                "the session " + id + " changes too often to be looked at as of one moment; try again", id, null);
    }

    private Optional<SessionRow> row(SessionId id) {
        return database.read(id, handle -> sessions.row(handle, id))
                .filter(row -> row.status() != SessionStatus.DELETED);
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

    private static Position head(Handle handle, SessionRow row) {
        return handle.createQuery("SELECT id FROM perdure_event WHERE session = :session AND seq = :head")
                .bind("session", row.key())
                .bind("head", row.head())
                .map((columns, context) -> new Position(row.head(), new EventId(Uuids.of(columns.getBytes(1)))))
                .findOne()
                .orElse(Position.START);
    }

    private static List<Item> items(Handle handle, long session) {
        return handle.createQuery("""
                        SELECT i.position, i.idem_key, i.kind, i.actor_kind, i.actor, i.at, i.hash, i.consumed, i.body
                        FROM perdure_inbox i WHERE i.session = :session ORDER BY i.position""")
                .bind("session", session)
                .map((columns, context) -> Item.of(columns))
                .list();
    }

    /** An item as it is stored. */
    private static final class Item {
        private final long position;
        private final String key;
        private final Event.InputKind kind;
        private final Actor from;
        private final long at;
        private final byte[] hash;
        private final long consumed;
        private final byte[] body;

        private Item(
                long position,
                String key,
                Event.InputKind kind,
                Actor from,
                long at,
                byte[] hash,
                long consumed,
                byte[] body) {
            this.position = position;
            this.key = key;
            this.kind = kind;
            this.from = from;
            this.at = at;
            this.hash = hash;
            this.consumed = consumed;
            this.body = body;
        }

        static Item of(ResultSet row) throws SQLException {
            return new Item(
                    row.getLong(1),
                    row.getString(2),
                    Stored.constant(Event.InputKind.class, row.getString(3)),
                    new Actor(Stored.constant(Actor.Kind.class, row.getString(4)), row.getString(5)),
                    row.getLong(6),
                    row.getBytes(7),
                    row.getLong(8),
                    row.getBytes(9));
        }

        static Item of(SessionId id, Image.Item item, BodyCodec codec) {
            Json body = item.body();
            byte[] hash = item.findDigest().map(HexFormat.of()::parseHex).orElse(NO_HASH);
            byte[] stored = {};
            if (body != null) {
                Post post = new Post(item.key(), item.kind(), item.from(), body);
                hash = codec.fingerprint(id, Inbox.identity(post));
                stored = codec.encode(place(id, item.key(), item.kind(), item.from()), Inbox.text(post));
            } else if (codec.fingerprint(id, NO_HASH).length > DIGEST) {
                // In clear it would say what was sent to whoever guesses it, and its text is not there to make the
                // keyed one of.
                hash = NO_HASH;
            }
            return new Item(
                    item.position(),
                    item.key(),
                    item.kind(),
                    item.from(),
                    item.at().toEpochMilli(),
                    hash,
                    item.consumed(),
                    stored);
        }

        Image.Item decoded(SessionId id, BodyCodec codec) {
            Json open = consumed > 0
                    ? null
                    : Json.parse(new String(codec.decode(place(id, key, kind, from), body), StandardCharsets.UTF_8));
            String digest =
                    consumed > 0 && hash.length == DIGEST ? HexFormat.of().formatHex(hash) : null;
            return new Image.Item(position, key, kind, from, Instant.ofEpochMilli(at), consumed, open, digest);
        }

        private static BodyPlace place(SessionId id, String key, Event.InputKind kind, Actor from) {
            return BodyPlace.item(id, key, kind, from);
        }
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
        for (int from = 0; from < items.size(); ) {
            List<Item> some = new ArrayList<>();
            for (int size = 0; some.size() < EVENTS && size < CHARACTERS && from < items.size(); from++) {
                Item item = Item.of(id, items.get(from), codec);
                database.requireFits(id, List.of(item), one -> one.body);
                some.add(item);
                size += item.body.length;
            }
            add(id, draft, """
                    INSERT INTO perdure_inbox (session, idem_key, position, kind, actor_kind, actor, hash, at, consumed, body)
                    VALUES (:session, :key, :position, :kind, :actorKind, :actor, :hash, :at, :consumed, :body)""", some, Transfer::bind);
        }
    }

    private static void bind(PreparedBatch batch, Item item) {
        batch.bind("key", item.key)
                .bind("position", item.position)
                .bind("kind", item.kind.name())
                .bind("actorKind", item.from.kind().name())
                .bind("actor", item.from.name())
                .bind("hash", item.hash)
                .bind("at", item.at)
                .bind("consumed", item.consumed == 0 ? null : item.consumed)
                .bind("body", item.body);
    }

    /** An event and its body as it is stored. */
    private static final class Written {
        private final Recorded event;
        private final byte[] body;

        private Written(Recorded event, byte[] body) {
            this.event = event;
            this.body = body;
        }
    }

    private Written written(SessionId id, Recorded event) {
        BodyPlace place = BodyPlace.event(
                id, event.seq(), event.id(), event.turn(), event.event().type());
        return new Written(event, codec.encode(place, event.json().getBytes(StandardCharsets.UTF_8)));
    }

    private void events(Image image, Nameless draft, Iterator<Recorded> events) {
        SessionId id = image.session().id();
        Position last = Position.START;
        while (events.hasNext()) {
            List<Written> some = some(id, last.seq(), events);
            last = some.get(some.size() - 1).event.position();
            add(id, draft, """
                    INSERT INTO perdure_event (session, seq, id, turn, fence, at, type, progress, codec, body)
                    VALUES (:session, :seq, :id, :turn, :fence, :at, :type, :progress, :codec, :body)""", some, Transfer::bind);
        }
        if (!last.equals(image.head())) {
            throw new IllegalArgumentException("the events of " + id + " end at " + last + ", not at " + image.head());
        }
    }

    /** As many as go into one commit. */
    private List<Written> some(SessionId id, long after, Iterator<Recorded> events) {
        List<Written> some = new ArrayList<>();
        for (int size = 0; some.size() < EVENTS && size < CHARACTERS && events.hasNext(); ) {
            Recorded event = events.next();
            Written written = written(id, event);
            database.requireFits(id, List.of(written), one -> one.body);
            some.add(written);
            size += event.json().length();
            if (event.seq() != after + some.size()) {
                throw new IllegalArgumentException("after event " + (after + some.size() - 1) + " of " + id
                        + " comes the next one, not " + event.seq());
            }
        }
        return some;
    }

    private static void bind(PreparedBatch batch, Written written) {
        Recorded event = written.event;
        batch.bind("seq", event.seq())
                .bind("id", Uuids.bytes(event.id().value()))
                .bind("turn", event.turn())
                .bind("fence", event.fence())
                .bind("at", event.at().toEpochMilli())
                .bind("type", event.event().type())
                .bind("progress", event.event().movesForward() ? 1 : 0)
                .bind("codec", BodyCodec.isEncoded(written.body) ? Log.ENCODED : Log.PLAIN)
                .bind("body", written.body);
    }

    private void blobs(SessionId id, Nameless draft, Iterator<byte[]> blobs) {
        while (blobs.hasNext()) {
            Blob blob = blob(id, blobs.next());
            database.requireFits(id, List.of(blob), one -> one.body);
            add(id, draft, """
                    INSERT INTO perdure_blob (session, sha256, size, body) VALUES (:session, :sha256, :size, :body)""", List.of(blob), Transfer::bind);
        }
    }

    /** A blob as it is stored. */
    private static final class Blob {
        private final String address;
        private final long size;
        private final byte[] body;

        private Blob(String address, long size, byte[] body) {
            this.address = address;
            this.size = size;
            this.body = body;
        }
    }

    private Blob blob(SessionId id, byte[] bytes) {
        BlobRef ref = BlobRef.of(bytes);
        return new Blob(codec.address(id, ref), ref.size(), codec.encode(BodyPlace.blob(id, ref), bytes));
    }

    private static void bind(PreparedBatch batch, Blob blob) {
        batch.bind("sha256", blob.address).bind("size", blob.size).bind("body", blob.body);
    }

    /** One commit; the draft is held meanwhile, so that nobody takes it for given up. */
    private <T> void add(
            SessionId id, Nameless draft, String insert, List<T> rows, BiConsumer<PreparedBatch, T> binding) {
        try {
            addAll(id, draft, insert, rows, binding);
        } catch (Faults.Clash e) {
            throw new IllegalArgumentException("an event, item or blob of " + id + " is there twice", e.getCause());
        }
    }

    private <T> void addAll(
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
        List<Question> open = questions.encoded(image.questions());
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
                Questions.restore(handle, draft.key(), open);
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
