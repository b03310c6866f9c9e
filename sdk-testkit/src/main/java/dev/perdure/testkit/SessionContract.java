package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.BlobRef;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.NewSession;
import dev.perdure.spi.SessionStore.Opened;
import dev.perdure.spi.SessionStore.Renewal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Sessions as such: opened, listed, deleted, their questions and their blobs. */
abstract class SessionContract extends StoreScenario {
    private static final TenantId ACME = TenantId.of("acme");

    @Test
    void open_makesAnIdleSession_withItsFirstEvent() {
        Event first = new Event.SessionOpened(AGENT, Map.of("plan", "gold"));
        Draft draft = Draft.of(EventId.random(), 0, first);

        Opened opened = store.open(new NewSession(ID, AGENT, Map.of("plan", "gold"), draft));

        assertThat(opened).isEqualTo(new Opened.Created(info(ID)));
        assertThat(info(ID).status()).isEqualTo(SessionStatus.IDLE);
        assertThat(info(ID).agent()).isEqualTo(AGENT);
        assertThat(info(ID).labels()).isEqualTo(Map.of("plan", "gold"));
        assertThat(info(ID).openedAt()).isEqualTo(clock.instant());
        assertThat(info(ID).attempts()).isZero();
        assertThat(log(ID)).hasSize(1);
        assertThat(log(ID).get(0).id()).isEqualTo(draft.id());
        assertThat(log(ID).get(0).event()).isEqualTo(first);
    }

    @Test
    void open_again_leavesTheSessionAsItIs() {
        opened(ID);
        List<EventId> before = ids(ID);
        NewSession other = new NewSession(ID, "billing", Map.of("x", "y"), note("first"));

        assertThat(store.open(other)).isEqualTo(new Opened.Existing(info(ID)));
        assertThat(info(ID).agent()).isEqualTo(AGENT);
        assertThat(ids(ID)).isEqualTo(before);
    }

    @Test
    void find_ofAnUnknownSession_isEmpty() {
        assertThat(store.find(ID)).isEmpty();
    }

    @Test
    void names_areComparedExactly() {
        opened("acme", "Ticket");
        opened("acme", "ticket");
        opened("acme", "ticket ");
        opened("acme", "%");
        opened("acme", "?");
        opened("acme", "\uD83D\uDE00");
        opened("acme", "\uD83D\uDE01");

        assertThat(store.list(ACME, Set.of(), "", 10)).hasSize(7);
    }

    @Test
    void list_pagesByName_andFiltersByStatus() {
        for (String name : List.of("c", "a", "e", "b", "d")) {
            opened("acme", name);
        }
        accepted(SessionId.of("acme", "d"), message("k"));

        assertThat(names(store.list(ACME, Set.of(), "", 2))).containsExactly("a", "b");
        assertThat(names(store.list(ACME, Set.of(), "b", 2))).containsExactly("c", "d");
        assertThat(names(store.list(ACME, Set.of(), "d", 2))).containsExactly("e");
        assertThat(store.list(ACME, Set.of(), "e", 2)).isEmpty();
        assertThat(names(store.list(ACME, Set.of(SessionStatus.READY), "", 9))).containsExactly("d");
        assertThat(names(store.list(ACME, Set.of(SessionStatus.READY, SessionStatus.IDLE), "c", 9)))
                .containsExactly("d", "e");
    }

    @Test
    void twoTenants_neverMeet() {
        SessionId ours = opened("acme", "same name");
        SessionId theirs = opened("other", "same name");
        append(held(ours, ann), ask(question(ours, "q")));
        accepted(ours, message("k"));
        BlobRef ref = store.blobs().put(ours, new byte[] {1});

        assertThat(store.list(theirs.tenant(), Set.of(), "", 10))
                .extracting(SessionInfo::id)
                .containsExactly(theirs);
        assertThat(store.questions(theirs.tenant(), null, 10)).isEmpty();
        assertThat(store.findQuestion(new QuestionId(theirs, "q"))).isEmpty();
        assertThat(store.inbox(theirs, 0, 10)).isEmpty();
        assertThat(log(theirs)).hasSize(1);
        assertThat(store.blobs().find(theirs, ref)).isEmpty();
        store.delete(theirs);
        assertThat(log(ours)).hasSize(2);
        assertThat(store.blobs().find(ours, ref)).isPresent();
    }

    // ---- questions

    @Test
    void questions_areOpenFromTheirAppend_untilTheyAreClosed() {
        Lease lease = held(opened(ID), ann);
        append(lease, ask(question(ID, "q1"), question(ID, "q2")));

        Question found = store.findQuestion(new QuestionId(ID, "q1")).orElseThrow();
        assertThat(found.askedAt()).isEqualTo(clock.instant());
        assertThat(found.arguments()).isEqualTo("{\"cents\":1}");
        assertThat(found.kind()).isEqualTo(Question.Kind.APPROVAL);
        assertThat(keys(store.questions(ACME, null, 10))).containsExactly("q1", "q2");

        append(lease, close("q1", "never asked"));
        assertThat(store.findQuestion(new QuestionId(ID, "q1"))).isEmpty();
        assertThat(keys(store.questions(ACME, null, 10))).containsExactly("q2");
    }

    @Test
    void questions_pageOldestFirst_andLoseNone() {
        List<Question> all = new ArrayList<>();
        for (String name : List.of("z", "m", "a")) {
            SessionId id = opened("acme", name);
            append(held(id, ann), ask(question(id, "q1"), question(id, "q2"), question(id, "q3")));
            elapse(Duration.ofSeconds(name.equals("m") ? 0 : 1));
        }
        List<Question> page = store.questions(ACME, null, 2);
        while (!page.isEmpty()) {
            all.addAll(page);
            page = store.questions(ACME, all.get(all.size() - 1), 2);
        }

        assertThat(all).hasSize(9).doesNotHaveDuplicates();
        assertThat(all).extracting(Question::askedAt).isSorted();
        assertThat(keys(all)).startsWith("q1", "q2", "q3");
    }

    @Test
    void questions_ofARefusedAppend_areNotOpened() {
        Lease old = held(opened(ID), ann);
        elapse(TTL);
        held(ID, bob);
        store.append(old, end(ID), ask(question(ID, "q")));

        assertThat(store.questions(ACME, null, 10)).isEmpty();
    }

    @Test
    void question_thatIsOpen_cannotBeOpenedAgain_andNothingIsWritten() {
        Lease lease = held(opened(ID), ann);
        append(lease, ask(question(ID, "q")));

        assertThatThrownBy(() -> store.append(lease, end(ID), ask(question(ID, "q"))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("q");
        assertThat(log(ID)).hasSize(2);
    }

    @Test
    void question_ofAnotherSession_isRefused() {
        Lease lease = held(opened(ID), ann);
        SessionId other = opened("other", "1");

        assertThatThrownBy(() -> store.append(lease, end(ID), ask(question(other, "q"))))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(store.questions(other.tenant(), null, 10)).isEmpty();
    }

    // ---- blobs

    @Test
    void blobs_areGivenBack_andKeptOnce() {
        opened(ID);
        byte[] bytes = "a large result".getBytes(StandardCharsets.UTF_8);

        BlobRef ref = store.blobs().put(ID, bytes);

        assertThat(ref.size()).isEqualTo(bytes.length);
        assertThat(store.blobs().put(ID, bytes.clone())).isEqualTo(ref);
        assertThat(store.blobs().find(ID, ref))
                .hasValueSatisfying(found -> assertThat(found).isEqualTo(bytes));
        assertThat(store.blobs().find(ID, store.blobs().put(ID, new byte[0])))
                .hasValueSatisfying(found -> assertThat(found).isEmpty());
    }

    @Test
    void blob_ofAnUnknownSession_isRefused() {
        assertThatThrownBy(() -> store.blobs().put(ID, new byte[1]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(ID.toString());
        assertThat(store.blobs().find(ID, new BlobRef("0".repeat(64), 1))).isEmpty();
    }

    // ---- delete

    @Test
    void delete_removesEverything_andKeepsTheName() {
        Lease lease = held(opened(ID), ann);
        append(lease, ask(question(ID, "q")));
        accepted(ID, message("k"));
        BlobRef ref = store.blobs().put(ID, new byte[] {1});

        assertThat(store.delete(ID)).isTrue();

        assertThat(log(ID)).isEmpty();
        assertThat(store.inbox(ID, 0, 10)).isEmpty();
        assertThat(store.questions(ACME, null, 10)).isEmpty();
        assertThat(store.blobs().find(ID, ref)).isEmpty();
        assertThat(store.list(ACME, Set.of(), "", 10)).isEmpty();
        assertThat(store.list(ACME, Set.of(SessionStatus.DELETED), "", 10)).isEmpty();
        assertThat(status(ID)).isEqualTo(SessionStatus.DELETED);
        assertThat(info(ID).labels()).isEmpty();
        assertThat(store.open(session(ID))).isEqualTo(new Opened.Deleted());
        assertThatThrownBy(() -> store.blobs().put(ID, new byte[1])).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void delete_takesTheLeaseFromWhoeverHoldsIt() {
        Lease lease = held(opened(ID), ann);
        var end = end(ID);
        store.delete(ID);

        assertThat(store.append(lease, end, batch(note("late")))).isEqualTo(new Appended.LeaseLost());
        assertThat(store.renew(List.of(lease), TTL).get(0).state()).isEqualTo(Renewal.State.LOST);
        assertThat(log(ID)).isEmpty();
    }

    @Test
    void delete_ofAnUnknownOrDeletedSession_saysSo() {
        assertThat(store.delete(ID)).isFalse();
        store.delete(opened(ID));
        assertThat(store.delete(ID)).isFalse();
    }

    @Test
    void guarantees_haveNotes() {
        assertThat(store.guarantees().notes()).isNotEmpty();
        assertThat(store.guarantees().processCrash() || !store.guarantees().powerLoss())
                .isTrue();
    }

    private static List<String> names(List<SessionInfo> sessions) {
        return sessions.stream().map(session -> session.id().name()).toList();
    }

    private static List<String> keys(List<Question> questions) {
        return questions.stream().map(question -> question.id().key()).toList();
    }
}
