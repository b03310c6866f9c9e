package dev.perdure;

import dev.perdure.internal.memory.MemorySession;
import dev.perdure.session.BlobRef;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Recorded;
import dev.perdure.session.Retention;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import dev.perdure.spi.BlobStore;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Sessions in the memory of this process, for tests and for trying things out: nothing survives it, and {@link #close()} keeps them.
 * Keeps every promise of {@link SessionStore} while the process lives. Thread-safe.
 */
public final class InMemorySessionStore implements SessionStore {
    private static final int MOST = 10_000;

    /** Guards everything below; held for a few map accesses, never while calling out. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Map<SessionId, MemorySession> sessions = new HashMap<>();
    private long keys;
    private final InstantSource clock;
    private final BlobStore blobs = new Blobs();

    private InMemorySessionStore(InstantSource clock) {
        this.clock = clock;
    }

    /** An empty store on this machine's clock. */
    public static InMemorySessionStore create() {
        return create(Clock.systemUTC());
    }

    /** An empty store whose times are all by {@code clock}. */
    public static InMemorySessionStore create(InstantSource clock) {
        return new InMemorySessionStore(Objects.requireNonNull(clock, "clock"));
    }

    @Override
    public Opened open(NewSession session) {
        Instant now = now();
        return locked(() -> {
            MemorySession there = sessions.get(session.id());
            if (there != null) {
                return there.isDeleted() ? new Opened.Deleted() : new Opened.Existing(there.info());
            }
            MemorySession made = new MemorySession(++keys, session, now);
            sessions.put(session.id(), made);
            return new Opened.Created(made.info());
        });
    }

    @Override
    public Claimed claim(SessionId id, Terms terms) {
        Instant now = now();
        return locked(() -> with(id, new Claimed.Unknown(), session -> session.claim(terms, now)));
    }

    @Override
    public Taken claimReady(Terms terms, Ready filter, int max) {
        if (max < 1) {
            throw new IllegalArgumentException("max is at least 1, but this is " + max);
        }
        Instant now = now();
        return locked(() -> {
            List<Lease> leases = new ArrayList<>();
            List<SessionId> quarantined = new ArrayList<>();
            Iterator<MemorySession> due = fair(filter, now).iterator();
            while (leases.size() < max && due.hasNext()) {
                MemorySession session = due.next();
                Claimed claimed = session.claim(terms, now);
                if (claimed instanceof Claimed.Held held) {
                    leases.add(held.lease());
                } else if (claimed instanceof Claimed.Quarantined) {
                    quarantined.add(session.id());
                }
            }
            return new Taken(leases, quarantined);
        });
    }

    @Override
    public List<Renewal> renew(List<Lease> leases, Duration ttl) {
        Instant now = now();
        return locked(() -> leases.stream().map(lease -> renew(lease, ttl, now)).toList());
    }

    @Override
    public Appended append(Lease lease, Position after, Batch batch) {
        Instant now = now();
        return locked(() ->
                with(lease.session(), new Appended.LeaseLost(), session -> session.append(lease, after, batch, now)));
    }

    @Override
    public Posted post(SessionId id, Post item) {
        Instant now = now();
        return locked(() -> with(id, new Posted.Unknown(), session -> session.post(item, now)));
    }

    @Override
    public Posted postAndClaim(SessionId id, Post item, Terms terms) {
        Instant now = now();
        return locked(() -> with(id, new Posted.Unknown(), session -> {
            Posted posted = session.post(item, now);
            if (!(posted instanceof Posted.Accepted accepted)) {
                return posted;
            }
            Claimed claimed = session.claim(terms, now);
            return new Posted.Accepted(
                    accepted.position(),
                    claimed instanceof Claimed.Held held ? held.lease() : null,
                    claimed instanceof Claimed.Quarantined set && set.now());
        }));
    }

    @Override
    public List<Recorded> read(SessionId id, long after, int limit) {
        require(limit);
        return locked(() -> with(id, List.of(), session -> session.read(after, limit)));
    }

    @Override
    public Position head(SessionId id) {
        return locked(() -> with(id, Position.START, MemorySession::head));
    }

    @Override
    public Optional<Snapshot> snapshot(SessionId id) {
        return locked(() -> with(id, Optional.empty(), session -> Optional.ofNullable(session.snapshot())));
    }

    @Override
    public boolean saveSnapshot(Lease lease, Snapshot snapshot) {
        return locked(() -> with(lease.session(), false, session -> session.keep(lease, snapshot)));
    }

    @Override
    public List<InboxItem> inbox(SessionId id, long after, int limit) {
        require(limit);
        return locked(() -> with(id, List.of(), session -> session.inbox(after, limit)));
    }

    @Override
    public Optional<SessionInfo> find(SessionId id) {
        return locked(() -> Optional.ofNullable(sessions.get(id)).map(MemorySession::info));
    }

    @Override
    public List<SessionInfo> list(TenantId tenant, Set<SessionStatus> status, String afterName, int limit) {
        require(limit);
        return locked(() -> sessions.values().stream()
                .filter(session -> session.id().tenant().equals(tenant) && !session.isDeleted())
                .filter(session -> status.isEmpty() || status.contains(session.status()))
                .filter(session -> session.id().name().compareTo(afterName) > 0)
                .sorted(Comparator.comparing(session -> session.id().name()))
                .limit(limit)
                .map(MemorySession::info)
                .toList());
    }

    @Override
    public List<Question> questions(TenantId tenant, @Nullable Question after, int limit) {
        require(limit);
        Comparator<Question> order = Comparator.comparing(Question::askedAt)
                .thenComparing(question -> question.id().session().name())
                .thenComparing(question -> question.id().key());
        return locked(() -> sessions.values().stream()
                .filter(session -> session.id().tenant().equals(tenant))
                .flatMap(session -> session.questions().values().stream())
                .filter(question -> after == null || order.compare(question, after) > 0)
                .sorted(order)
                .limit(limit)
                .toList());
    }

    @Override
    public Optional<Question> findQuestion(QuestionId id) {
        return locked(() -> with(
                id.session(),
                Optional.empty(),
                session -> Optional.ofNullable(session.questions().get(id.key()))));
    }

    @Override
    public Map<String, Long> ready() {
        return locked(() -> {
            Map<String, Long> counts = new TreeMap<>();
            sessions.values().stream()
                    .filter(session -> session.status() == SessionStatus.READY)
                    .forEach(session -> counts.merge(session.agent(), 1L, Long::sum));
            return counts;
        });
    }

    @Override
    public boolean delete(SessionId id) {
        Instant now = now();
        return locked(() -> {
            MemorySession session = sessions.get(id);
            if (session == null || session.isDeleted()) {
                return false;
            }
            session.delete(now);
            return true;
        });
    }

    @Override
    public int purge(Retention which, int limit) {
        require(limit);
        Instant now = now();
        return locked(() -> {
            List<MemorySession> over = sessions.values().stream()
                    .filter(session -> session.isOver(which, now))
                    .limit(limit)
                    .toList();
            for (MemorySession session : over) {
                if (session.isDeleted()) {
                    sessions.remove(session.id());
                } else {
                    session.delete(now);
                }
            }
            return over.size();
        });
    }

    @Override
    public Optional<Image> image(SessionId id) {
        return locked(() -> with(
                id,
                Optional.empty(),
                session -> session.isDeleted() ? Optional.empty() : Optional.of(session.image())));
    }

    @Override
    public boolean restore(Image image, Iterator<Recorded> events, Iterator<byte[]> blobs) {
        SessionId id = image.session().id();
        if (locked(() -> sessions.containsKey(id))) {
            return false;
        }
        List<Recorded> log = new ArrayList<>();
        events.forEachRemaining(log::add);
        List<byte[]> bytes = new ArrayList<>();
        blobs.forEachRemaining(blob -> bytes.add(blob.clone()));
        Instant now = now();
        return locked(() -> {
            if (sessions.containsKey(id)) {
                return false;
            }
            MemorySession restored = new MemorySession(++keys, image, log, now);
            bytes.forEach(blob -> restored.blobs().put(BlobRef.of(blob), blob));
            sessions.put(id, restored);
            return true;
        });
    }

    @Override
    public BlobStore blobs() {
        return blobs;
    }

    @Override
    public Guarantees guarantees() {
        return new Guarantees(
                false,
                false,
                true,
                List.of(
                        "In memory: sessions end with the process, and so do calls in doubt, so that no call is ever made"
                                + " twice for one session."));
    }

    @Override
    public void close() {}

    /** Each tenant's first before any tenant's second; of first ones the oldest, of others any, or the same tenants would have the rest of each page. */
    private Stream<MemorySession> fair(Ready filter, Instant now) {
        Map<TenantId, List<MemorySession>> byTenant = new HashMap<>();
        sessions.values().stream()
                .filter(session -> session.isDue(now) && filter.agents().contains(session.agent()))
                .filter(session -> !filter.excluded().contains(session.id().tenant()))
                .sorted(Comparator.comparing(MemorySession::dueSince).thenComparingLong(MemorySession::key))
                .forEach(session -> byTenant.computeIfAbsent(session.id().tenant(), tenant -> new ArrayList<>())
                        .add(session));
        record Placed(int place, long chance, MemorySession session) {}
        return byTenant.values().stream()
                .flatMap(own -> Stream.iterate(0, i -> i < Math.min(own.size(), filter.perTenant()), i -> i + 1)
                        .map(i -> new Placed(
                                i, i == 0 ? 0 : ThreadLocalRandom.current().nextLong(), own.get(i))))
                .sorted(Comparator.comparingInt(Placed::place)
                        .thenComparingLong(Placed::chance)
                        .thenComparing(placed -> placed.session().dueSince())
                        .thenComparingLong(placed -> placed.session().key()))
                .map(Placed::session)
                .toList()
                .stream();
    }

    private Renewal renew(Lease lease, Duration ttl, Instant now) {
        MemorySession session = sessions.get(lease.session());
        return session != null && session.renew(lease, ttl, now)
                ? new Renewal(lease, Renewal.State.HELD, session.inboxHead())
                : new Renewal(lease, Renewal.State.LOST, 0);
    }

    private <T> T with(SessionId id, T otherwise, Function<MemorySession, T> work) {
        MemorySession session = sessions.get(id);
        return session == null ? otherwise : work.apply(session);
    }

    private <T> T locked(Supplier<T> work) {
        lock.lock();
        try {
            return work.get();
        } finally {
            lock.unlock();
        }
    }

    /** Asked before the lock is taken: a clock is somebody else's code. */
    private Instant now() {
        return Instant.ofEpochMilli(clock.millis());
    }

    private static void require(int limit) {
        if (limit < 1 || limit > MOST) {
            throw new IllegalArgumentException("a limit is 1 to " + MOST + ", but this is " + limit);
        }
    }

    private final class Blobs implements BlobStore {
        @Override
        public BlobRef put(SessionId id, byte[] bytes) {
            byte[] copy = bytes.clone();
            BlobRef ref = BlobRef.of(copy);
            return locked(() -> {
                MemorySession session = sessions.get(id);
                if (session == null || session.isDeleted()) {
                    throw new IllegalArgumentException("there is no session " + id);
                }
                session.blobs().putIfAbsent(ref, copy);
                return ref;
            });
        }

        @Override
        public Optional<byte[]> find(SessionId id, BlobRef ref) {
            return locked(() -> with(
                            id,
                            Optional.<byte[]>empty(),
                            session -> Optional.ofNullable(session.blobs().get(ref))))
                    .map(byte[]::clone);
        }
    }
}
