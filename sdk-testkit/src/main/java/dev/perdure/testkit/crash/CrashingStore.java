package dev.perdure.testkit.crash;

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
import dev.perdure.spi.StoreException;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A store in whose verbs the process is hit. Thread-safe. */
final class CrashingStore implements SessionStore {
    private static final Logger LOG = LoggerFactory.getLogger(CrashingStore.class);

    private final SessionStore store;
    private final Crasher crasher;
    private final Witness witness;
    private final Random random;
    private final double slow;
    private final Duration slowest;

    /**
     * @param slow the part of claims, 0 to 1, that are slow when they take a session over
     * @param slowest how long such a claim at most takes to come back
     */
    CrashingStore(SessionStore store, Crasher crasher, Witness witness, Random random, double slow, Duration slowest) {
        this.store = store;
        this.crasher = crasher;
        this.witness = witness;
        this.random = random;
        this.slow = slow;
        this.slowest = slowest;
    }

    private <T> T around(CrashPoint before, CrashPoint after, Supplier<T> verb) {
        crasher.reach(before);
        T answer = verb.get();
        crasher.reach(after);
        return answer;
    }

    @Override
    public Opened open(NewSession session) {
        return store.open(session);
    }

    @Override
    public Claimed claim(SessionId id, Terms terms) {
        crasher.reach(CrashPoint.BEFORE_CLAIM);
        Claimed claimed = store.claim(id, terms);
        if (claimed instanceof Claimed.Held held) {
            claimed(List.of(held.lease()));
        }
        return claimed;
    }

    @Override
    public Taken claimReady(Terms terms, Ready filter, int max) {
        crasher.reach(CrashPoint.BEFORE_CLAIM);
        Taken taken = store.claimReady(terms, filter, max);
        claimed(taken.leases());
        return taken;
    }

    /** Between a claim and the first append of its worker is where a late append of the one before could slip in. */
    private void claimed(List<Lease> leases) {
        leases.forEach(this::note);
        if (!leases.isEmpty()) {
            crasher.reach(CrashPoint.AFTER_CLAIM);
        }
        if (leases.stream().anyMatch(lease -> lease.findPrevious().isPresent()) && random.nextDouble() < slow) {
            Pauses.sleep(random.nextInt((int) slowest.toMillis()));
        }
    }

    /** Whatever the log holds beyond its end as it is read now was not written by an earlier holder, or the store took what it had to refuse. */
    private void note(Lease lease) {
        try {
            witness.claimed(lease, store.head(lease.session()).seq());
        } catch (StoreException e) {
            LOG.debug("{}: nobody saw where the log ended", lease.session(), e);
        }
    }

    @Override
    public List<Renewal> renew(List<Lease> leases, Duration ttl) {
        return around(CrashPoint.BEFORE_RENEW, CrashPoint.AFTER_RENEW, () -> store.renew(leases, ttl));
    }

    @Override
    public Appended append(Lease lease, Position after, Batch batch) {
        boolean releases = batch.release() != null;
        return around(
                releases ? CrashPoint.BEFORE_RELEASE : CrashPoint.BEFORE_APPEND,
                releases ? CrashPoint.AFTER_RELEASE : CrashPoint.AFTER_APPEND,
                () -> store.append(lease, after, batch));
    }

    @Override
    public Posted post(SessionId id, Post item) {
        return around(CrashPoint.BEFORE_POST, CrashPoint.AFTER_POST, () -> store.post(id, item));
    }

    @Override
    public Posted postAndClaim(SessionId id, Post item, Terms terms) {
        if (random.nextInt(2) == 0) {
            // As somebody sends who runs no sessions.
            return post(id, item);
        }
        return around(CrashPoint.BEFORE_POST_AND_CLAIM, CrashPoint.AFTER_POST_AND_CLAIM, () -> {
            Posted posted = store.postAndClaim(id, item, terms);
            if (posted instanceof Posted.Accepted accepted) {
                accepted.findLease().ifPresent(this::note);
            }
            return posted;
        });
    }

    @Override
    public List<Recorded> read(SessionId id, long after, int limit) {
        return store.read(id, after, limit);
    }

    @Override
    public Position head(SessionId id) {
        return store.head(id);
    }

    @Override
    public Optional<Snapshot> snapshot(SessionId id) {
        return store.snapshot(id);
    }

    @Override
    public boolean saveSnapshot(Lease lease, Snapshot snapshot) {
        return store.saveSnapshot(lease, snapshot);
    }

    @Override
    public List<InboxItem> inbox(SessionId id, long after, int limit) {
        return store.inbox(id, after, limit);
    }

    @Override
    public Optional<SessionInfo> find(SessionId id) {
        return store.find(id);
    }

    @Override
    public List<SessionInfo> list(TenantId tenant, Set<SessionStatus> status, String afterName, int limit) {
        return store.list(tenant, status, afterName, limit);
    }

    @Override
    public List<Question> questions(TenantId tenant, @Nullable Question after, int limit) {
        return store.questions(tenant, after, limit);
    }

    @Override
    public Optional<Question> findQuestion(QuestionId id) {
        return store.findQuestion(id);
    }

    @Override
    public Map<String, Long> ready() {
        return store.ready();
    }

    @Override
    public boolean delete(SessionId id) {
        return store.delete(id);
    }

    @Override
    public int purge(Retention which, int limit) {
        return store.purge(which, limit);
    }

    @Override
    public Optional<Image> image(SessionId id) {
        return store.image(id);
    }

    @Override
    public boolean restore(Image image, Iterator<Recorded> events, Iterator<byte[]> blobs) {
        return store.restore(image, events, blobs);
    }

    @Override
    public BlobStore blobs() {
        return store.blobs();
    }

    @Override
    public Guarantees guarantees() {
        return store.guarantees();
    }

    @Override
    public void close() {
        store.close();
    }
}
