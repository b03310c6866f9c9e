package dev.perdure.testkit.crash;

import dev.perdure.Operator;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Json;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.StoreException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** The humans beside the store: they answer what is asked, and look for what nobody will ever take up, and for what is none of their business. Confined to one thread. */
final class Watch {
    private static final Actor HUMAN = Actor.user("crash-harness");
    private static final Actor OTHER_HUMAN = Actor.user("crash-harness-too");

    private static final int PAGE = 10_000;
    /** Recoveries of a session that nobody kills any more: a bound with room for a machine on which leases run out because it is busy. */
    private static final int MOST_RECOVERIES = 20;

    private final SessionStore store;
    private final Outside outside;
    private final int sessions;
    /** By number. */
    private final Map<Integer, Round> rounds = new TreeMap<>();

    private final Map<String, Violation> found = new LinkedHashMap<>();
    private final Map<QuestionId, QuestionCheck.Accepted> answers = new HashMap<>();
    private final Set<QuestionId> contradicted = new HashSet<>();
    /** Where the logs ended when the last child was killed. */
    private final Map<SessionId, Long> quietFrom = new HashMap<>();

    private boolean quiet;

    Watch(SessionStore store, Outside outside, int sessions) {
        this.store = store;
        this.outside = outside;
        this.sessions = sessions;
    }

    /** Opens its sessions. */
    void add(Round round) {
        for (SessionId session : round.sessions(sessions)) {
            Draft first = Draft.of(EventId.random(), 0, new Event.SessionOpened(Orders.AGENT, Map.of()));
            store.open(new SessionStore.NewSession(session, Orders.AGENT, Map.of(), first));
        }
        rounds.put(round.number(), round);
    }

    void remove(Round round) {
        rounds.remove(round.number());
        answers.keySet().removeIf(question -> round.equals(Round.of(round.run(), question.session())));
    }

    /** From here on nobody is killed any more. */
    void quiet() {
        quiet = true;
    }

    List<Violation> found() {
        return List.copyOf(found.values());
    }

    /** @throws StoreException when the store does not answer */
    void look() {
        for (TenantId tenant : Round.TENANTS) {
            answer(tenant);
            for (SessionInfo session : list(tenant)) {
                switch (session.status()) {
                    case IDLE -> lookForLost(session.id(), SessionStatus.IDLE, any -> true);
                    // What comes for a later turn may lie there; an answer may not.
                    case WAITING ->
                        lookForLost(session.id(), SessionStatus.WAITING, item -> item.kind() == Event.InputKind.ANSWER);
                    default -> encourage(session);
                }
                if (quiet) {
                    countRecoveries(session.id());
                }
            }
        }
    }

    /** Sessions of the rounds that are open. */
    private List<SessionInfo> list(TenantId tenant) {
        List<SessionInfo> listed = new ArrayList<>();
        for (Round round : rounds.values()) {
            List<SessionInfo> page = store.list(tenant, Set.of(), round.prefix(), sessions);
            page.stream()
                    .filter(info -> !info.id().tenant().equals(tenant))
                    .forEach(info -> found("P9", info.id(), "it is in the list of the tenant " + tenant));
            page.stream()
                    .filter(info -> info.id().name().startsWith(round.prefix()))
                    .forEach(listed::add);
        }
        return listed;
    }

    private void found(String property, SessionId session, String seen) {
        Violation violation = new Violation(property, session, seen);
        found.putIfAbsent(violation.toString(), violation);
    }

    private void answer(TenantId tenant) {
        Operator operator = Operator.of(store);
        for (Question question : operator.questions(tenant)) {
            if (!question.id().session().tenant().equals(tenant)) {
                found("P9", question.id().session(), "its question is in the list of the tenant " + tenant);
                continue;
            }
            answer(operator, question);
        }
    }

    private void answer(Operator operator, Question question) {
        Answer answer = outside.answer(question);
        if (operator.answer(question.id(), answer, HUMAN) == Operator.Answered.ACCEPTED) {
            answers.putIfAbsent(
                    question.id(), new QuestionCheck.Accepted(question.id().key(), answer, HUMAN));
            if (question.kind() == Question.Kind.APPROVAL && contradicted.add(question.id())) {
                contradict(operator, question);
            }
        }
    }

    /** The first answer counts, and whoever comes later hears that. */
    private void contradict(Operator operator, Question question) {
        Answer other = outside.contradict(question);
        if (operator.answer(question.id(), other, OTHER_HUMAN) == Operator.Answered.ACCEPTED) {
            found("P8", question.id().session(), "two answers to " + question.id() + " were accepted");
        }
    }

    List<QuestionCheck.Accepted> answers(SessionId session) {
        return answers.entrySet().stream()
                .filter(entry -> entry.getKey().session().equals(session))
                .map(Map.Entry::getValue)
                .toList();
    }

    /**
     * A post and what it makes of the status are one commit, as are a release and its look at the inbox: so an item that is there before and
     * after the session was idle was there while it was idle, however short that was, and nobody was to come for it.
     */
    private void lookForLost(SessionId session, SessionStatus asleep, Predicate<InboxItem> wakes) {
        Optional<InboxItem> before = oldest(session, wakes);
        if (before.isPresent()
                && status(session) == asleep
                && oldest(session, wakes).equals(before)) {
            found(
                    "P10",
                    session,
                    "the input " + before.get().key() + " lies in the inbox of a session that is " + asleep);
        }
        before.filter(item -> TenantCheck.strange(item.body().text(), session))
                .ifPresent(item -> found("P9", session, "its inbox holds what was sent to another: " + item.body()));
    }

    /**
     * A session whose claims were in vain is left alone for longer and longer; here that was the kills' fault. Not one that is IDLE: that would
     * wake up what must wake up by itself.
     */
    private void encourage(SessionInfo session) {
        if (session.status() == SessionStatus.READY && session.attempts() > 1) {
            String key = "resume:" + EventId.random();
            store.post(session.id(), new SessionStore.Post(key, Event.InputKind.RESUME, HUMAN, Json.EMPTY));
        }
    }

    private void countRecoveries(SessionId session) {
        long from =
                quietFrom.computeIfAbsent(session, any -> store.head(session).seq());
        long recoveries = store.read(session, from, PAGE).stream()
                .filter(event -> event.event() instanceof Event.TakenOver)
                .count();
        if (recoveries > MOST_RECOVERIES) {
            found("P10", session, "was recovered more than " + MOST_RECOVERIES + " times after the last kill");
        }
    }

    private Optional<InboxItem> oldest(SessionId session, Predicate<InboxItem> wanted) {
        return store.inbox(session, 0, PAGE).stream().filter(wanted).findFirst();
    }

    /** Keys of inputs that are not lost, only late. */
    Set<String> waiting(SessionId session) {
        return store.inbox(session, 0, PAGE).stream().map(InboxItem::key).collect(Collectors.toSet());
    }

    private SessionStatus status(SessionId session) {
        return store.find(session).map(SessionInfo::status).orElseThrow();
    }

    /** What is left to be done in a round; empty when all is. */
    Optional<Violation> unfinished(Round round) {
        try {
            return round.sessions(sessions).stream()
                    .flatMap(session -> unfinished(session).stream())
                    .findFirst();
        } catch (StoreException e) {
            return Optional.of(
                    new Violation("P10", round.sessions(1).get(0), "the store does not answer: " + e.getMessage()));
        }
    }

    private Optional<Violation> unfinished(SessionId session) {
        SessionStatus status = status(session);
        int waiting = store.inbox(session, 0, 100).size();
        return status == SessionStatus.IDLE && waiting == 0
                ? Optional.empty()
                : Optional.of(new Violation(
                        "P10",
                        session,
                        "still " + status + " with " + waiting + " inputs waiting, long after the last kill"));
    }
}
