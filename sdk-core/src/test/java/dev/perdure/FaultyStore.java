package dev.perdure;

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
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One process's way to a store, which can be made to fail, and which counts what was committed. Many may share one store. */
class FaultyStore implements SessionStore {
    /** What happens around a verb; may throw. */
    interface Hook {
        default void before(String verb, @Nullable Batch batch) {}

        default void after(String verb, @Nullable Batch batch) {}
    }

    private final SessionStore delegate;
    /** Batches that are in the log, oldest first. */
    final List<Batch> batches = new CopyOnWriteArrayList<>();

    /** Released when {@link #die} was reached. */
    final CountDownLatch dead = new CountDownLatch(1);

    private volatile Hook hook = new Hook() {};
    private volatile boolean over;

    FaultyStore(SessionStore delegate) {
        this.delegate = delegate;
    }

    FaultyStore hook(Hook value) {
        hook = value;
        return this;
    }

    /** From here on this process reaches nothing: what {@code kill -9} looks like from outside. */
    void die() {
        over = true;
        dead.countDown();
    }

    /** Dies before an append that fits is written. */
    FaultyStore dieBefore(Predicate<Batch> fits) {
        return hook(new Hook() {
            @Override
            public void before(String verb, @Nullable Batch batch) {
                if (batch != null && fits.test(batch)) {
                    die();
                }
            }
        });
    }

    /** Dies after an append that fits was written and before its writer learns of it. */
    FaultyStore dieAfter(Predicate<Batch> fits) {
        return hook(new Hook() {
            @Override
            public void after(String verb, @Nullable Batch batch) {
                if (batch != null && fits.test(batch)) {
                    die();
                }
            }
        });
    }

    static StoreException unavailable(String verb) {
        return StoreException.unavailable("no answer to " + verb, null, null);
    }

    /** Whether a batch has an event of this type. */
    static Predicate<Batch> with(Class<?> type) {
        return batch -> batch.events().stream().anyMatch(draft -> type.isInstance(draft.event()));
    }

    private <T> T run(String verb, @Nullable Batch batch, Supplier<T> work) {
        requireAlive();
        hook.before(verb, batch);
        requireAlive();
        T result = work.get();
        hook.after(verb, batch);
        requireAlive();
        return result;
    }

    private void requireAlive() {
        if (over) {
            throw StoreException.unusable("this process is dead", null, null);
        }
    }

    @Override
    public Opened open(NewSession session) {
        return run("open", null, () -> delegate.open(session));
    }

    @Override
    public Claimed claim(SessionId id, Terms terms) {
        return run("claim", null, () -> delegate.claim(id, terms));
    }

    @Override
    public Taken claimReady(Terms terms, Ready filter, int max) {
        return run("claimReady", null, () -> delegate.claimReady(terms, filter, max));
    }

    @Override
    public List<Renewal> renew(List<Lease> leases, Duration ttl) {
        return run("renew", null, () -> delegate.renew(leases, ttl));
    }

    @Override
    public Appended append(Lease lease, Position after, Batch batch) {
        return run("append", batch, () -> {
            Appended answer = delegate.append(lease, after, batch);
            if (answer instanceof Appended.Ok) {
                batches.add(batch);
            }
            return answer;
        });
    }

    @Override
    public Posted post(SessionId id, Post item) {
        return run("post", null, () -> delegate.post(id, item));
    }

    @Override
    public Posted postAndClaim(SessionId id, Post item, Terms terms) {
        return run("postAndClaim", null, () -> delegate.postAndClaim(id, item, terms));
    }

    @Override
    public List<Recorded> read(SessionId id, long after, int limit) {
        return run("read", null, () -> delegate.read(id, after, limit));
    }

    @Override
    public Position head(SessionId id) {
        return run("head", null, () -> delegate.head(id));
    }

    @Override
    public Optional<Snapshot> snapshot(SessionId id) {
        return run("snapshot", null, () -> delegate.snapshot(id));
    }

    @Override
    public boolean saveSnapshot(Lease lease, Snapshot snapshot) {
        return run("saveSnapshot", null, () -> delegate.saveSnapshot(lease, snapshot));
    }

    @Override
    public List<InboxItem> inbox(SessionId id, long after, int limit) {
        return run("inbox", null, () -> delegate.inbox(id, after, limit));
    }

    @Override
    public Optional<SessionInfo> find(SessionId id) {
        return run("find", null, () -> delegate.find(id));
    }

    @Override
    public List<SessionInfo> list(TenantId tenant, Set<SessionStatus> status, String afterName, int limit) {
        return run("list", null, () -> delegate.list(tenant, status, afterName, limit));
    }

    @Override
    public List<Question> questions(TenantId tenant, @Nullable Question after, int limit) {
        return run("questions", null, () -> delegate.questions(tenant, after, limit));
    }

    @Override
    public Optional<Question> findQuestion(QuestionId id) {
        return run("findQuestion", null, () -> delegate.findQuestion(id));
    }

    @Override
    public Map<String, Long> ready() {
        return run("ready", null, delegate::ready);
    }

    @Override
    public boolean delete(SessionId id) {
        return run("delete", null, () -> delegate.delete(id));
    }

    @Override
    public int purge(Retention which, int limit) {
        return run("purge", null, () -> delegate.purge(which, limit));
    }

    @Override
    public Optional<Image> image(SessionId id) {
        return run("image", null, () -> delegate.image(id));
    }

    @Override
    public boolean restore(Image image, Iterator<Recorded> events, Iterator<byte[]> blobs) {
        return run("restore", null, () -> delegate.restore(image, events, blobs));
    }

    @Override
    public BlobStore blobs() {
        return delegate.blobs();
    }

    @Override
    public Guarantees guarantees() {
        return delegate.guarantees();
    }

    @Override
    public void close() {}
}
