package dev.perdure.internal.engine;

import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** Where runs, followers and posters of one process find each other, by session. Thread-safe; hints only, never needed for correctness. */
final class Hub {
    /** Gets what a local run does. Must not block. */
    interface Follower {
        void events(List<Recorded> events);

        void text(int turn, String more);

        void discard(int turn);

        /** The run in this process is over; {@code error} when it broke off. */
        void runEnded(@Nullable Throwable error);
    }

    private final Map<SessionId, List<Follower>> followers = new ConcurrentHashMap<>();
    private final Map<SessionId, SessionRun> runs = new ConcurrentHashMap<>();

    void follow(SessionId session, Follower follower) {
        followers.compute(session, (id, list) -> {
            List<Follower> all = list == null ? new CopyOnWriteArrayList<>() : list;
            all.add(follower);
            return all;
        });
    }

    void unfollow(SessionId session, Follower follower) {
        followers.computeIfPresent(session, (id, list) -> {
            list.remove(follower);
            return list.isEmpty() ? null : list;
        });
    }

    List<Follower> followers(SessionId session) {
        return followers.getOrDefault(session, List.of());
    }

    void started(SessionRun run) {
        runs.put(run.session(), run);
    }

    void ended(SessionRun run, @Nullable Throwable error) {
        runs.remove(run.session(), run);
        followers(run.session()).forEach(follower -> follower.runEnded(error));
    }

    boolean runsHere(SessionId session) {
        return runs.containsKey(session);
    }

    /** Something was posted to the session by this process. */
    void posted(SessionId session) {
        SessionRun run = runs.get(session);
        if (run != null) {
            run.inboxNews();
        }
    }
}
