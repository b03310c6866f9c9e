package dev.perdure.internal.memory;

import dev.perdure.session.BlobRef;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.Recorded;
import dev.perdure.session.Retention;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Image;
import dev.perdure.spi.SessionStore.NewSession;
import dev.perdure.spi.SessionStore.Post;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.SessionStore.Release;
import dev.perdure.spi.SessionStore.Snapshot;
import dev.perdure.spi.SessionStore.Terms;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One session and the rules of its writers. Confined: its store's lock is held around every call. */
public final class MemorySession {
    private final long key;
    private final SessionId id;
    private final Instant openedAt;
    private final List<Recorded> log = new ArrayList<>();
    private final TreeMap<Long, InboxItem> inbox = new TreeMap<>();
    private final Map<String, Known> posted = new HashMap<>();
    private final Map<String, Question> questions = new TreeMap<>();
    private final Map<BlobRef, byte[]> blobs = new HashMap<>();
    private @Nullable Snapshot snapshot;
    private Map<String, String> labels;
    private String agent;
    private SessionStatus status = SessionStatus.IDLE;
    private Instant changedAt;
    private Instant readyAt;
    private @Nullable WorkerId owner;
    private Instant leaseUntil = Instant.EPOCH;
    private Instant retryAt = Instant.EPOCH;
    private long fence;
    private long inboxHead;
    private long claimSeq;
    private int attempts;

    public MemorySession(long key, NewSession made, Instant now) {
        this.key = key;
        this.id = made.id();
        this.agent = made.agent();
        this.labels = made.labels();
        this.openedAt = now;
        this.changedAt = now;
        this.readyAt = now;
        log.add(Recorded.of(1, 0, now, made.first()));
    }

    /** As it stood elsewhere. */
    public MemorySession(long key, Image image, List<Recorded> events, Instant now) {
        SessionInfo was = image.session();
        this.key = key;
        this.id = was.id();
        this.agent = was.agent();
        this.labels = was.labels();
        this.openedAt = was.openedAt();
        this.changedAt = now;
        this.readyAt = now;
        this.status = was.status() == SessionStatus.RUNNING ? SessionStatus.READY : was.status();
        this.attempts = was.attempts();
        this.fence = image.fence();
        this.inboxHead = image.inboxHead();
        for (Recorded event : events) {
            if (event.seq() != log.size() + 1L) {
                throw new IllegalArgumentException(
                        "after event " + log.size() + " of " + id + " comes the next one, not " + event.seq());
            }
            log.add(event);
        }
        if (!head().equals(image.head())) {
            throw new IllegalArgumentException(
                    "the events of " + id + " end at " + head() + ", not at " + image.head());
        }
        this.claimSeq = log.size();
        for (Image.Item item : image.items()) {
            InboxItem open = item.findBody()
                    .map(body -> new InboxItem(item.position(), item.key(), item.kind(), item.from(), body, item.at()))
                    .orElse(null);
            if (open != null) {
                inbox.put(item.position(), open);
            }
            posted.put(
                    item.key(), new Known(item, open == null ? item.findDigest().orElse("") : digest(open)));
        }
        image.questions().forEach(question -> questions.put(question.id().key(), question));
    }

    public Image image() {
        List<Image.Item> items = posted.values().stream()
                .map(Known::item)
                .sorted(Comparator.comparingLong(Image.Item::position))
                .toList();
        return new Image(info(), fence, head(), inboxHead, items, List.copyOf(questions.values()));
    }

    public long key() {
        return key;
    }

    public SessionId id() {
        return id;
    }

    public String agent() {
        return agent;
    }

    public SessionStatus status() {
        return status;
    }

    public boolean isDeleted() {
        return status == SessionStatus.DELETED;
    }

    public SessionInfo info() {
        boolean running = status == SessionStatus.RUNNING;
        return new SessionInfo(
                id, agent, status, labels, openedAt, changedAt, owner, running ? leaseUntil : null, fruitless());
    }

    // ---- claims

    public Claimed claim(Terms terms, Instant now) {
        return switch (status) {
            case DELETED -> new Claimed.Unknown();
            case ENDED -> new Claimed.Ended();
            case QUARANTINED -> new Claimed.Quarantined(false);
            case RUNNING -> leaseUntil.isAfter(now) ? new Claimed.Busy(leaseUntil) : claimFree(terms, now);
            case IDLE, READY, WAITING -> claimFree(terms, now);
        };
    }

    private Claimed claimFree(Terms terms, Instant now) {
        int fruitless = fruitless();
        if (fruitless >= terms.quarantineAfter()) {
            become(SessionStatus.QUARANTINED, now);
            return new Claimed.Quarantined(true);
        }
        if (fruitless > 0 && retryAt.isAfter(now)) {
            return new Claimed.Busy(retryAt);
        }
        return new Claimed.Held(take(terms, fruitless + 1, now));
    }

    /** Whether {@link #claim} may give a lease on something to do. */
    public boolean isDue(Instant now) {
        boolean due = status == SessionStatus.READY || (status == SessionStatus.RUNNING && !leaseUntil.isAfter(now));
        return due && (fruitless() == 0 || !retryAt.isAfter(now));
    }

    /** Since when there is something to do. */
    public Instant dueSince() {
        return status == SessionStatus.READY ? readyAt : leaseUntil;
    }

    public boolean renew(Lease lease, Duration ttl, Instant now) {
        boolean held = isHeldBy(lease);
        if (held) {
            leaseUntil = now.plus(ttl);
        }
        return held;
    }

    private Lease take(Terms terms, int claims, Instant now) {
        WorkerId before = owner;
        Lease.Previous previous =
                status == SessionStatus.RUNNING && before != null ? new Lease.Previous(before, fence) : null;
        fence = Math.max(fence + 1, now.toEpochMilli());
        owner = terms.worker();
        attempts = claims;
        claimSeq = log.size();
        leaseUntil = now.plus(terms.ttl());
        retryAt = now.plus(terms.waitAfter(claims));
        become(SessionStatus.RUNNING, now);
        return new Lease(id, key, terms.worker(), fence, agent, claims, inboxHead, log.size(), now, previous);
    }

    private boolean isHeldBy(Lease lease) {
        return status == SessionStatus.RUNNING
                && fence == lease.fence()
                && lease.owner().equals(owner);
    }

    private int fruitless() {
        boolean progressed = log.subList((int) Math.min(claimSeq, log.size()), log.size()).stream()
                .anyMatch(event -> event.event().movesForward());
        return progressed ? 0 : attempts;
    }

    private void become(SessionStatus next, Instant now) {
        status = next;
        changedAt = now;
        if (next == SessionStatus.READY) {
            readyAt = now;
        }
    }

    // ---- log

    public Appended append(Lease lease, Position after, Batch batch, Instant now) {
        if (isInLog(after.seq(), batch)) {
            return new Appended.Duplicate(last(after, batch));
        }
        if (!isHeldBy(lease)) {
            return new Appended.LeaseLost();
        }
        if (!log.get(log.size() - 1).position().equals(after)) {
            return new Appended.Conflict();
        }
        require(batch);
        for (Draft draft : batch.events()) {
            log.add(Recorded.of(log.size() + 1L, fence, now, draft));
        }
        batch.consumed().forEach(this::consume);
        batch.opened().forEach(question -> questions.put(question.id().key(), asked(question, now)));
        batch.closed().forEach(questions::remove);
        release(batch, now);
        return new Appended.Ok(last(after, batch), now);
    }

    public List<Recorded> read(long after, int limit) {
        int from = (int) Math.min(Math.max(after, 0), log.size());
        return List.copyOf(log.subList(from, Math.min(from + limit, log.size())));
    }

    public Position head() {
        return log.isEmpty() ? Position.START : log.get(log.size() - 1).position();
    }

    /** Its key stays taken. */
    private void consume(long position) {
        String key = Objects.requireNonNull(inbox.remove(position)).key();
        posted.computeIfPresent(key, (same, known) -> known.consumed(log.size()));
    }

    /**
     * An item that has come.
     *
     * @param digest empty when whatever comes under its key counts as the same
     */
    private record Known(Image.Item item, String digest) {
        Known consumed(long seq) {
            Image.Item taken = new Image.Item(
                    item.position(),
                    item.key(),
                    item.kind(),
                    item.from(),
                    item.at(),
                    seq,
                    null,
                    digest.isEmpty() ? null : digest);
            return new Known(taken, digest);
        }

        boolean isSame(Post post) {
            return digest.isEmpty() || digest.equals(post.digest());
        }
    }

    private static String digest(InboxItem item) {
        return new Post(item.key(), item.kind(), item.from(), item.body()).digest();
    }

    public @Nullable Snapshot snapshot() {
        return snapshot;
    }

    public boolean keep(Lease lease, Snapshot taken) {
        long seq = taken.at().seq();
        boolean kept = fence == lease.fence()
                && lease.owner().equals(owner)
                && seq > 0
                && seq <= log.size()
                && log.get((int) seq - 1).position().equals(taken.at());
        if (kept) {
            snapshot = taken;
        }
        return kept;
    }

    private boolean isInLog(long after, Batch batch) {
        List<EventId> wanted = batch.events().stream().map(Draft::id).toList();
        return read(after, wanted.size()).stream().map(Recorded::id).toList().equals(wanted);
    }

    private void require(Batch batch) {
        for (Question question : batch.opened()) {
            if (!question.id().session().equals(id)) {
                throw new IllegalArgumentException("the question " + question.id() + " is not of the session " + id);
            }
            if (questions.containsKey(question.id().key())) {
                throw new IllegalArgumentException("the question " + question.id() + " is open already");
            }
        }
        if (!inbox.keySet().containsAll(batch.consumed())) {
            throw new IllegalArgumentException(id + ": of the inbox items " + batch.consumed()
                    + " not all are there to be consumed; each is consumed once");
        }
    }

    private void release(Batch batch, Instant now) {
        String next = batch.agent();
        if (next != null) {
            agent = next;
        }
        Release release = batch.release();
        if (release != null) {
            boolean rests = release.target() == SessionStatus.IDLE || release.target() == SessionStatus.WAITING;
            become(rests && inboxHead > release.seenInbox() ? SessionStatus.READY : release.target(), now);
        }
    }

    private static Question asked(Question question, Instant now) {
        return new Question(
                question.id(),
                question.kind(),
                question.call(),
                question.tool(),
                question.arguments(),
                question.text(),
                now);
    }

    private static Position last(Position after, Batch batch) {
        int count = batch.events().size();
        return new Position(after.seq() + count, batch.events().get(count - 1).id());
    }

    // ---- inbox and questions

    public Posted post(Post item, Instant now) {
        Known earlier = posted.get(item.key());
        if (earlier != null) {
            long position = earlier.item().position();
            return earlier.isSame(item) ? new Posted.Duplicate(position) : new Posted.Conflict(position);
        }
        if (isDeleted()) {
            return new Posted.Unknown();
        }
        if (status == SessionStatus.ENDED) {
            return new Posted.Ended();
        }
        InboxItem added = new InboxItem(++inboxHead, item.key(), item.kind(), item.from(), item.body(), now);
        Image.Item arrived = new Image.Item(inboxHead, item.key(), item.kind(), item.from(), now, 0, item.body(), null);
        posted.put(item.key(), new Known(arrived, item.digest()));
        inbox.put(added.position(), added);
        wake(item.kind() == Event.InputKind.RESUME, now);
        return new Posted.Accepted(added.position());
    }

    private void wake(boolean resume, Instant now) {
        if (resume) {
            attempts = 0;
        }
        boolean wakes = status == SessionStatus.IDLE
                || status == SessionStatus.WAITING
                || (status == SessionStatus.QUARANTINED && resume);
        become(wakes ? SessionStatus.READY : status, wakes ? now : changedAt);
        changedAt = now;
    }

    public long inboxHead() {
        return inboxHead;
    }

    public List<InboxItem> inbox(long after, int limit) {
        return inbox.tailMap(after, false).values().stream().limit(limit).toList();
    }

    public Map<String, Question> questions() {
        return questions;
    }

    public Map<BlobRef, byte[]> blobs() {
        return blobs;
    }

    public boolean isOver(Retention which, Instant now) {
        return which.status().contains(status)
                && (which.untouchedFor().isZero() || !changedAt.isAfter(now.minus(which.untouchedFor())))
                && which.findTenant().map(id.tenant()::equals).orElse(true)
                && which.findAgent().map(agent::equals).orElse(true);
    }

    public void delete(Instant now) {
        become(SessionStatus.DELETED, now);
        fence = Math.max(fence + 1, now.toEpochMilli());
        owner = null;
        labels = Map.of();
        attempts = 0;
        log.clear();
        inbox.clear();
        posted.clear();
        questions.clear();
        blobs.clear();
        snapshot = null;
    }
}
