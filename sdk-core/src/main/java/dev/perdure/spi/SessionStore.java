package dev.perdure.spi;

import dev.perdure.session.Actor;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Recorded;
import dev.perdure.session.Retention;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import dev.perdure.session.WorkerId;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Keeps sessions: a log each, with one writer at a time, an inbox for everybody else, and the open questions. Thread-safe.
 *
 * <p>Each verb is atomic and durable when it returns, and may be repeated after an unknown outcome. Expected outcomes are return
 * values. Every verb throws {@link StoreException} when the store cannot do it, or the outcome could not be learned in time. All
 * times are by the store's clock.
 *
 * <p>Whoever implements this proves it with {@code SessionStoreContract} of {@code perdure-testkit}.
 */
public interface SessionStore extends AutoCloseable {

    /**
     * Makes a session with a first event {@link Event.SessionOpened}, status {@code IDLE}. A session of that name that is there is left
     * as it is, whatever its agent.
     */
    Opened open(NewSession session);

    /**
     * Takes the lease of a session, whatever its status, when nobody holds it: never held, given back, run out, or its holder is
     * known to be dead. The new fence is the larger of the old one plus 1 and the store's clock in milliseconds.
     *
     * <p>A session that was claimed {@link Terms#quarantineAfter()} times since it last made progress becomes {@code QUARANTINED} instead;
     * from the second fruitless claim on, the next one has to wait: {@link Terms#backoff()} from the claim, doubled each time. Quarantine
     * takes the lease from a holder that is only slow.
     */
    Claimed claim(SessionId id, Terms terms);

    /**
     * Takes leases of sessions that have something to do: {@code READY}, or {@code RUNNING} with a lease that ran out or a dead
     * holder. Fair: each tenant's first before any tenant's second; when not all second ones fit, it is by chance whose come. Rows that others are
     * claiming are skipped, and a store may look farther than the head of the backlog when many claim at once.
     *
     * @param max at least 1
     * @return at most {@code max} leases, oldest first within a tenant, and what was set aside instead; both empty when there is nothing to do
     */
    Taken claimReady(Terms terms, Ready filter, int max);

    /**
     * Extends leases to {@code ttl} from now and says what is new in their inboxes. Leases that are lost stay lost.
     *
     * @return one answer for each lease, in their order
     */
    List<Renewal> renew(List<Lease> leases, Duration ttl);

    /**
     * Appends {@code batch} directly after the event at {@code after}, all or none, and in the same commit consumes the batch's inbox
     * items, opens and closes its questions and gives the lease back if the batch says so.
     *
     * <p>Safe to repeat after an unknown outcome: the same event ids answer {@link Appended.Duplicate}. The end of the lease is not
     * checked: while nobody else claimed the session, its holder may write.
     *
     * @param after number and id of the last event the caller has seen
     * @return {@code Conflict} when the log does not end at {@code after}, {@code LeaseLost} when the fence or owner is not the newest;
     *     in both cases this batch is not in the log and the caller must stop
     * @throws IllegalArgumentException when an item was consumed before or is not there, a question is open already or is another
     *     session's; nothing is written
     */
    Appended append(Lease lease, Position after, Batch batch);

    /**
     * Puts an item into the inbox of a session. The session becomes {@code READY} if it was {@code IDLE} or {@code WAITING}; one in
     * {@code QUARANTINED} only by an item of kind {@link Event.InputKind#RESUME}, which always forgets the fruitless claims too.
     *
     * @return {@code Duplicate} or {@code Conflict} for a key that is there, also when the session has ended since; items are the same
     *     when their kind and body are
     */
    Posted post(SessionId id, Post item);

    /**
     * {@link #post} and, in the same commit, {@link #claim} if the session can be claimed at once. A duplicate or a conflict
     * claims nothing.
     */
    Posted postAndClaim(SessionId id, Post item, Terms terms);

    /**
     * Events after number {@code after}, oldest first.
     *
     * @param limit 1 to 10,000
     * @return empty at the end, and for a session that is unknown or deleted
     */
    List<Recorded> read(SessionId id, long after, int limit);

    /** The end of a session's log; {@link Position#START} when it is unknown or deleted. */
    Position head(SessionId id);

    /**
     * The newest snapshot that was kept; empty when there is none, when it cannot be read, or when this store keeps none. A snapshot is a cache: it may
     * be gone at any time, and its reader looks whether the log still has the event it was taken at.
     */
    default Optional<Snapshot> snapshot(SessionId id) {
        return Optional.empty();
    }

    /**
     * Keeps {@code snapshot} in place of the one before, all or nothing, and changes nothing else. Also after the lease was given back, until somebody else
     * claims the session. Safe to repeat.
     *
     * @return false when it was not kept: the lease's fence or owner is not the newest, the log does not have the event it was taken at, or this store
     *     keeps none
     */
    default boolean saveSnapshot(Lease lease, Snapshot snapshot) {
        return false;
    }

    /** Items that are not consumed, after position {@code after}, in order; at most {@code limit}, 1 to 10,000. */
    List<InboxItem> inbox(SessionId id, long after, int limit);

    /** The session as it stands; empty when unknown. A deleted one is found, with status {@code DELETED}. */
    Optional<SessionInfo> find(SessionId id);

    /**
     * Sessions of a tenant by name, deleted ones left out.
     *
     * @param status only these; empty for all
     * @param afterName the name to go on after; empty for the first page
     * @param limit 1 to 10,000
     */
    List<SessionInfo> list(TenantId tenant, Set<SessionStatus> status, String afterName, int limit);

    /**
     * Open questions of a tenant, oldest first.
     *
     * @param after the question to go on after; null for the first page
     * @param limit 1 to 10,000
     */
    List<Question> questions(TenantId tenant, @Nullable Question after, int limit);

    /** The question, if it is open. */
    Optional<Question> findQuestion(QuestionId id);

    /** How many sessions are {@code READY}, by agent; to see work that no worker takes. */
    Map<String, Long> ready();

    /**
     * Deletes a session: its log, inbox, questions and blobs are gone, its name stays taken, and whoever holds its lease has lost it.
     *
     * <p>All that is out of reach with the first commit, which is small whatever the size of the session; its bytes are removed after that, at
     * most 1,000 rows in a commit. What a process leaves behind that dies meanwhile is removed by a repeat, and by {@link #purge}.
     *
     * @return false when there was none, or it was deleted before
     */
    boolean delete(SessionId id);

    /**
     * Deletes sessions that {@code which} fits, each as {@link #delete} does; the names of {@code DELETED} ones become free. Each is looked
     * at again in the commit that deletes it, so that one which somebody has woken meanwhile stays. Removes before that what other deletions
     * and {@linkplain #restore restorations} left behind that did not come to their end. Several processes may do so at a time.
     *
     * @param limit most sessions, 1 to 10,000
     * @return how many; 0 when none is left, or others are deleting the ones that are
     */
    int purge(Retention which, int limit);

    /**
     * A session beside its events and blobs, all as of one moment, which may be read afterwards: events up to {@link Image#head()} stay as they are.
     * Empty when it is unknown or deleted.
     *
     * @throws StoreException when the session changes all the time; retryable
     */
    Optional<Image> image(SessionId id);

    /**
     * Makes a session as it stood elsewhere: the same events with their numbers, ids, fences and times. What was {@code RUNNING} becomes {@code
     * READY}, for its lease stays behind; {@code changedAt} is now. Nobody sees anything of it before it is there as a whole, and what a process that
     * dies in the middle leaves is removed by {@link #purge}, an hour later at the earliest.
     *
     * @param image as the session shall be named
     * @param events from the first to the one at the image's head, in order; asked for in batches, outside of any transaction
     * @param blobs of the session, each once; asked for after the last event
     * @return false when a session of that name is there, or was deleted; nothing is written
     * @throws IllegalArgumentException when the events do not end at the image's head, or a blob comes twice
     */
    boolean restore(Image image, Iterator<Recorded> events, Iterator<byte[]> blobs);

    /** Large results and artifacts. */
    BlobStore blobs();

    /** What survives what, as it is set up now. */
    Guarantees guarantees();

    /**
     * Calls {@code changed} with the number ({@link Lease#key()}) of a session soon after something was posted to it or its lease was given back with work
     * left, by any process; with 0 when it may have been any. Hints only, which may be lost, late or told twice: whoever needs to know looks by himself all
     * the same. No hint is part of the commit that it speaks of. This default never calls.
     *
     * @param changed must not block and may be called on any thread
     * @return ends it; safe to repeat
     */
    default Listening listen(LongConsumer changed) {
        Objects.requireNonNull(changed, "changed");
        return () -> {};
    }

    /** Ends what {@link #listen} began. */
    interface Listening extends AutoCloseable {
        @Override
        void close();
    }

    /** Gives back connections and files. Leases are not given back. */
    @Override
    void close();

    /**
     * A session to be made.
     *
     * @param first id of its first event
     */
    record NewSession(SessionId id, String agent, Map<String, String> labels, Draft first) {
        public NewSession {
            Objects.requireNonNull(id, "id");
            Objects.requireNonNull(agent, "agent");
            labels = Map.copyOf(labels);
            Objects.requireNonNull(first, "first");
        }
    }

    /**
     * A session beside its events and blobs.
     *
     * @param fence of its newest lease
     * @param head end of its log
     * @param inboxHead newest position in its inbox
     * @param items of its inbox, the consumed ones too, by position; each key once
     * @param questions that are open
     */
    record Image(
            SessionInfo session,
            long fence,
            Position head,
            long inboxHead,
            List<Item> items,
            List<Question> questions) {
        public Image {
            Objects.requireNonNull(session, "session");
            Objects.requireNonNull(head, "head");
            items = List.copyOf(items);
            questions = List.copyOf(questions);
            if (session.status() == SessionStatus.DELETED) {
                throw new IllegalArgumentException("the session " + session.id() + " was deleted");
            }
            Set<String> keys = new HashSet<>();
            long last = 0;
            for (Item item : items) {
                if (item.position() <= last || item.position() > inboxHead || !keys.add(item.key())) {
                    throw new IllegalArgumentException("the item " + item.key() + " at " + item.position()
                            + " is not the next one of an inbox up to " + inboxHead);
                }
                last = item.position();
            }
            keys.clear();
            for (Question question : questions) {
                if (!question.id().session().equals(session.id())
                        || !keys.add(question.id().key())) {
                    throw new IllegalArgumentException(
                            "the question " + question.id() + " is not of " + session.id() + ", or is there twice");
                }
            }
        }

        /**
         * An item of an inbox; the key of a consumed one stays taken.
         *
         * @param consumed number of the event that took it; 0 while none has
         * @param body null when it is consumed
         * @param digest {@link Post#digest} of a consumed one, by which a repeat is told from another item of the same key; null when it is not consumed,
         *     or the store does not know it: then whatever comes under that key counts as the same
         */
        public record Item(
                long position,
                String key,
                Event.InputKind kind,
                Actor from,
                Instant at,
                long consumed,
                @Nullable Json body,
                @Nullable String digest) {
            public Item {
                InboxItem.requireKey(key);
                Objects.requireNonNull(kind, "kind");
                Objects.requireNonNull(from, "from");
                Objects.requireNonNull(at, "at");
                if ((consumed == 0) != (body != null) || (consumed == 0 && digest != null)) {
                    throw new IllegalArgumentException(
                            "the item " + key + " has either a body, or the number of the event that consumed it");
                }
            }

            public Optional<Json> findBody() {
                return Optional.ofNullable(body);
            }

            public Optional<String> findDigest() {
                return Optional.ofNullable(digest);
            }
        }
    }

    /** Answer of {@link #open}. */
    sealed interface Opened {
        record Created(SessionInfo session) implements Opened {}

        record Existing(SessionInfo session) implements Opened {}

        /** A session of this name was deleted. */
        record Deleted() implements Opened {}
    }

    /**
     * On what terms a worker claims.
     *
     * @param ttl length of the lease
     * @param quarantineAfter fruitless claims, at least 1
     * @param backoff after the second fruitless claim; doubles up to {@code maxBackoff}
     */
    record Terms(WorkerId worker, Duration ttl, int quarantineAfter, Duration backoff, Duration maxBackoff) {
        public Terms {
            Objects.requireNonNull(worker, "worker");
            if (ttl.toMillis() < 1) {
                throw new IllegalArgumentException("a lease lasts at least 1 ms, but this is " + ttl);
            }
            if (quarantineAfter < 1) {
                throw new IllegalArgumentException("quarantineAfter is at least 1, but this is " + quarantineAfter);
            }
            if (backoff.isNegative() || maxBackoff.compareTo(backoff) < 0) {
                throw new IllegalArgumentException("not a backoff: " + backoff + " up to " + maxBackoff);
            }
        }

        /** 15 s, quarantine after 5 fruitless claims, backoff 1 s to 1 min. */
        public static Terms of(WorkerId worker) {
            return new Terms(worker, Duration.ofSeconds(15), 5, Duration.ofSeconds(1), Duration.ofMinutes(1));
        }

        /**
         * How long a session is left alone after its claim number {@code attempts} without progress: nothing after the first.
         */
        public Duration waitAfter(int attempts) {
            if (attempts < 2) {
                return Duration.ZERO;
            }
            Duration wait = backoff;
            for (int i = 2; i < attempts && wait.compareTo(maxBackoff) < 0; i++) {
                wait = wait.multipliedBy(2);
            }
            return wait.compareTo(maxBackoff) < 0 ? wait : maxBackoff;
        }
    }

    /** Answer of {@link #claim}. */
    sealed interface Claimed {
        record Held(Lease lease) implements Claimed {}

        /** Somebody holds it, or it is left alone, until then at least. */
        record Busy(Instant until) implements Claimed {}

        /**
         * Nobody may go on before an operator has looked.
         *
         * @param now whether this claim has set it aside; false when it was before
         */
        record Quarantined(boolean now) implements Claimed {}

        record Ended() implements Claimed {}

        /** Never opened, or deleted. */
        record Unknown() implements Claimed {}
    }

    /**
     * Answer of {@link #claimReady}.
     *
     * @param quarantined sessions that this claim has set aside, as {@link #claim} would
     */
    record Taken(List<Lease> leases, List<SessionId> quarantined) {
        public Taken {
            leases = List.copyOf(leases);
            quarantined = List.copyOf(quarantined);
        }

        public static Taken nothing() {
            return new Taken(List.of(), List.of());
        }
    }

    /**
     * What {@link #claimReady} may take.
     *
     * @param agents only sessions of these
     * @param excluded tenants to leave out, for example because they have their share
     * @param perTenant most sessions of one tenant in one answer, at least 1
     */
    record Ready(Set<String> agents, Set<TenantId> excluded, int perTenant) {
        public Ready {
            agents = Set.copyOf(agents);
            excluded = Set.copyOf(excluded);
            if (perTenant < 1) {
                throw new IllegalArgumentException("perTenant is at least 1, but this is " + perTenant);
            }
        }

        public static Ready of(Set<String> agents) {
            return new Ready(agents, Set.of(), Integer.MAX_VALUE);
        }
    }

    /**
     * What became of a lease.
     *
     * @param inboxHead newest position in the inbox; 0 when the lease is lost or the row was skipped
     */
    record Renewal(Lease lease, State state, long inboxHead) {
        /** What became of a lease. */
        public enum State {
            HELD,
            /** Not extended, because its row was locked; not lost. */
            SKIPPED,
            LOST
        }
    }

    /**
     * What is written in one commit. Has at least one event, so that a repeat is recognised.
     *
     * @param consumed positions in the inbox
     * @param opened questions to open; {@code askedAt} is replaced by the store's clock
     * @param closed keys of questions to close
     * @param agent that the session belongs to from here on; null for no change
     * @param release gives the lease back; null to keep it
     */
    record Batch(
            List<Draft> events,
            List<Long> consumed,
            List<Question> opened,
            List<String> closed,
            @Nullable String agent,
            @Nullable Release release) {
        public Batch {
            events = List.copyOf(events);
            consumed = List.copyOf(consumed);
            opened = List.copyOf(opened);
            closed = List.copyOf(closed);
            if (events.isEmpty()) {
                throw new IllegalArgumentException("a batch has at least one event");
            }
        }

        /** Events and nothing else. */
        public static Batch of(List<Draft> events) {
            return new Batch(events, List.of(), List.of(), List.of(), null, null);
        }

        /** Whether nothing but events is written: the statement that decides the speed of everything. */
        public boolean onlyEvents() {
            return consumed.isEmpty() && opened.isEmpty() && closed.isEmpty() && agent == null && release == null;
        }

        public boolean movesForward() {
            return events.stream().anyMatch(draft -> draft.event().movesForward());
        }
    }

    /**
     * Gives a lease back.
     *
     * @param target {@code IDLE}, {@code WAITING}, {@code READY}, {@code ENDED}, or {@code QUARANTINED} to set it aside for an operator. The session becomes {@code READY} instead of {@code
     *     IDLE} or {@code WAITING} when its inbox has gone past {@code seenInbox}.
     * @param seenInbox newest position in the inbox that the holder has seen
     */
    record Release(SessionStatus target, long seenInbox) {
        public Release {
            if (target != SessionStatus.IDLE
                    && target != SessionStatus.WAITING
                    && target != SessionStatus.READY
                    && target != SessionStatus.QUARANTINED
                    && target != SessionStatus.ENDED) {
                throw new IllegalArgumentException("a lease is not given back to " + target);
            }
        }
    }

    /** Answer of {@link #append}. */
    sealed interface Appended {
        /** Written. */
        record Ok(Position last, Instant at) implements Appended {}

        /** This batch was in the log already. */
        record Duplicate(Position last) implements Appended {}

        /** The log does not end where the caller thinks. */
        record Conflict() implements Appended {}

        /** Somebody else claimed the session, or it was deleted. */
        record LeaseLost() implements Appended {}
    }

    /**
     * What a log came to, so that a resume need not read all of it. Deleted with its session.
     *
     * @param at the last event in it
     * @param body for the library itself; stores keep it as they keep events
     */
    record Snapshot(Position at, String body) {
        public Snapshot {
            Objects.requireNonNull(at, "at");
            Objects.requireNonNull(body, "body");
        }
    }

    /**
     * Something to be put into an inbox.
     *
     * @param key idempotency key, unique in the session; see {@link InboxItem#requireKey}
     */
    record Post(String key, Event.InputKind kind, Actor from, Json body) {
        public Post {
            Objects.requireNonNull(kind, "kind");
            Objects.requireNonNull(from, "from");
            Objects.requireNonNull(body, "body");
            InboxItem.requireKey(key);
        }

        /** SHA-256 of the kind, a line feed and the body's text, in hexadecimal: two items are the same when theirs are. */
        public String digest() {
            try {
                byte[] text = (kind + "\n" + body.text()).getBytes(StandardCharsets.UTF_8);
                return HexFormat.of()
                        .formatHex(MessageDigest.getInstance("SHA-256").digest(text));
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every JVM has SHA-256", e);
            }
        }
    }

    /** Answer of {@link #post} and {@link #postAndClaim}. */
    sealed interface Posted {
        /**
         * Stored.
         *
         * @param lease there when the session was claimed in the same commit
         * @param quarantined whether it was set aside instead, as {@link #claim} would
         */
        record Accepted(long position, @Nullable Lease lease, boolean quarantined) implements Posted {
            /** Stored, and nothing else. */
            public Accepted(long position) {
                this(position, null, false);
            }

            public Optional<Lease> findLease() {
                return Optional.ofNullable(lease);
            }
        }

        /** The same item was posted before. */
        record Duplicate(long position) implements Posted {}

        /** Another item was posted before under this key. */
        record Conflict(long position) implements Posted {}

        record Ended() implements Posted {}

        /** Never opened, or deleted. */
        record Unknown() implements Posted {}
    }

    /**
     * What survives what.
     *
     * @param processCrash acknowledged events survive {@code kill -9} of this process
     * @param powerLoss acknowledged events survive the loss of power of the store's machine
     * @param onceSafe {@link dev.perdure.session.Effect#ONCE} can be promised
     * @param notes what an operator should know, one sentence each
     */
    record Guarantees(boolean processCrash, boolean powerLoss, boolean onceSafe, List<String> notes) {
        public Guarantees {
            notes = List.copyOf(notes);
        }
    }
}
