package dev.perdure.benchmarks;

import dev.perdure.session.Actor;
import dev.perdure.session.Event;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.SessionStore;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * Sixteen producers that post items of 200 bytes, a tenth of them a second time under the same key, to one session and to 1,000. Afterwards all inboxes are
 * read: an item that is there twice is a duplicate, one that was accepted and is not there is lost; so is one whose repeat was taken for new.
 */
final class InboxPosts implements Benchmark {
    private static final int PRODUCERS = 16;
    private static final int POSTS = 20_000;
    private static final int MANY = 1_000;
    /** Of ten posts one is a repeat. */
    private static final int REPEATS = 10;

    private static final int PAGE = 10_000;

    private int sessions;
    private long duplicates;
    private long lost;

    @Override
    public String about() {
        return PRODUCERS + " producers post to the inboxes of 1 session and of " + MANY
                + ", every tenth post a repeat; the result is for " + MANY + "; seed " + Texts.SEED;
    }

    @Override
    public Map<String, String> run(double factor, PrintStream out) throws Exception {
        int posts = Math.max(20, (int) (POSTS / PRODUCERS * factor));
        int many = Math.max(2, (int) (MANY * Math.min(1, factor)));
        Runs toOne = new Runs();
        Runs toMany = new Runs();
        try (Postgres postgres = Postgres.start(PRODUCERS, out);
                SessionStore store = JdbcSessionStore.of(postgres.pool())) {
            for (int run = 0; run <= Runs.COUNT; run++) {
                Measured one = measure(store, open(store, 1), posts);
                Measured all = measure(store, open(store, many), posts);
                if (run > 0) {
                    toOne.add(one.perSecond());
                    toMany.add(all.perSecond());
                    out.println("run " + run + ": 1 session " + one + "; " + many + " sessions " + all);
                }
            }
        }
        out.println("items/s, median (least to most): 1 session " + toOne + ", " + many + " sessions " + toMany);
        Map<String, String> result = new LinkedHashMap<>();
        result.put("items_per_s", Long.toString(Math.round(toMany.median())));
        result.put("duplicates", Long.toString(duplicates));
        result.put("lost", Long.toString(lost));
        return result;
    }

    private List<SessionId> open(SessionStore store, int count) {
        List<SessionId> ids = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            SessionId id = SessionId.of("bench", "s" + sessions++);
            Held.create(store, id);
            ids.add(id);
        }
        return ids;
    }

    private record Measured(double perSecond, double p50, double p99) {
        @Override
        public String toString() {
            return Math.round(perSecond) + " items/s, p50 " + Numbers.micros(p50) + ", p99 " + Numbers.micros(p99);
        }
    }

    /** What a producer has done: its keys as {@code SESSION KEY}, and the time of each post. */
    private record Produced(Set<String> accepted, List<Double> nanos, int wrong) {}

    private Measured measure(SessionStore store, List<SessionId> targets, int posts) throws Exception {
        long start = System.nanoTime();
        List<Produced> produced =
                Threads.collect(PRODUCERS, producer -> () -> produce(store, targets, producer, posts));
        double seconds = (System.nanoTime() - start) / 1e9;
        check(store, targets, produced);
        List<Double> nanos =
                produced.stream().flatMap(one -> one.nanos().stream()).toList();
        return new Measured(nanos.size() / seconds, Numbers.median(nanos), Numbers.percentile(nanos, 99));
    }

    private static Produced produce(SessionStore store, List<SessionId> targets, int producer, int posts) {
        Random random = new Random(Texts.SEED + producer);
        Texts texts = new Texts();
        Set<String> accepted = new HashSet<>();
        List<Double> nanos = new ArrayList<>();
        int wrong = 0;
        SessionId target = targets.get(0);
        SessionStore.Post item = null;
        for (int i = 0; i < posts; i++) {
            boolean repeat = item != null && i % REPEATS == REPEATS - 1;
            if (!repeat || item == null) {
                target = targets.get(random.nextInt(targets.size()));
                item = new SessionStore.Post(
                        producer + "-" + i, Event.InputKind.MESSAGE, Actor.user("ann"), Json.of(texts.next(200)));
            }
            long start = System.nanoTime();
            SessionStore.Posted answer = store.post(target, item);
            nanos.add((double) (System.nanoTime() - start));
            if (!repeat && answer instanceof SessionStore.Posted.Accepted) {
                accepted.add(target.name() + " " + item.key());
            } else if (!repeat || !(answer instanceof SessionStore.Posted.Duplicate)) {
                wrong++;
            }
        }
        return new Produced(accepted, nanos, wrong);
    }

    private void check(SessionStore store, List<SessionId> targets, List<Produced> produced) {
        Set<String> accepted = new HashSet<>();
        produced.forEach(one -> accepted.addAll(one.accepted()));
        List<String> there = new ArrayList<>();
        for (SessionId target : targets) {
            List<InboxItem> page = store.inbox(target, 0, PAGE);
            while (!page.isEmpty()) {
                page.forEach(item -> there.add(target.name() + " " + item.key()));
                page = store.inbox(target, page.get(page.size() - 1).position(), PAGE);
            }
        }
        Set<String> distinct = new HashSet<>(there);
        duplicates += there.size() - distinct.size();
        lost += accepted.stream().filter(key -> !distinct.contains(key)).count();
        lost += produced.stream().mapToLong(Produced::wrong).sum();
    }
}
