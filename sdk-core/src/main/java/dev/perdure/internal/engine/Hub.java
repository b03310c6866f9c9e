package dev.perdure.internal.engine;

import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** Where runs, followers and posters of one process find each other, by session. Thread-safe; hints only, never needed for correctness. */
final class Hub {
    /** Gets what a local run does. Must not block. */
    interface Follower {
        void events(List<Recorded> events);

        /**
         * More of a reply.
         *
         * @param after number of the event that the log ended with when the model was asked
         * @param offset how many characters of this reply came before
         */
        void text(int turn, long after, int offset, String more);

        /** The text after event {@code after} is void. */
        void discard(long after);

        /** The run in this process is over; {@code error} when it broke off. */
        void runEnded(@Nullable Throwable error);
    }

    /** Weak: a turn that nobody looks at any more must not collect events for ever. */
    private final Map<SessionId, List<WeakReference<Follower>>> followers = new ConcurrentHashMap<>();

    private final Map<SessionId, SessionRun> runs = new ConcurrentHashMap<>();
    /** By the store's number of the session. */
    private final Map<Long, SessionRun> byKey = new ConcurrentHashMap<>();

    void follow(SessionId session, Follower follower) {
        followers.compute(session, (id, list) -> {
            List<WeakReference<Follower>> all = list == null ? new CopyOnWriteArrayList<>() : list;
            all.removeIf(other -> other.get() == null);
            all.add(new WeakReference<>(follower));
            return all;
        });
    }

    void unfollow(SessionId session, Follower follower) {
        followers.computeIfPresent(session, (id, list) -> {
            list.removeIf(other -> other.refersTo(null) || other.refersTo(follower));
            return list.isEmpty() ? null : list;
        });
    }

    List<Follower> followers(SessionId session) {
        return followers.getOrDefault(session, List.of()).stream()
                .map(WeakReference::get)
                .filter(Objects::nonNull)
                .toList();
    }

    void started(SessionRun run) {
        runs.put(run.session(), run);
        byKey.put(run.lease().key(), run);
    }

    void ended(SessionRun run, @Nullable Throwable error) {
        runs.remove(run.session(), run);
        byKey.remove(run.lease().key(), run);
        followers(run.session()).forEach(follower -> follower.runEnded(error));
    }

    /** Whether a run of this process holds the session, as far as it knows. */
    boolean runsHere(SessionId session) {
        SessionRun run = runs.get(session);
        return run != null && run.alive();
    }

    /** Something was posted to the session of this number, by any process. */
    void posted(long key) {
        SessionRun run = byKey.get(key);
        if (run != null) {
            run.inboxNews();
        }
    }

    /** Something was posted to the session by this process. */
    void posted(SessionId session) {
        SessionRun run = runs.get(session);
        if (run != null) {
            run.inboxNews();
        }
    }
}
