package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.BlobRef;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Image;
import dev.perdure.spi.SessionStore.NewSession;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.SessionStore.Terms;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** That a session which was restored is the one that it was. */
abstract class TransferContract extends StoreScenario {
    private static final SessionId COPY = SessionId.of("other", "copy");

    private final List<BlobRef> blobs = new ArrayList<>();

    @Test
    void restore_makesTheSameSession_andItsTimesStay() {
        whole();
        Image image = store.image(ID).orElseThrow();
        List<Recorded> before = log(ID);
        elapse(Duration.ofDays(3));

        assertThat(restore(image, COPY)).isTrue();

        assertThat(log(COPY)).isEqualTo(before);
        assertThat(log(COPY))
                .extracting(Recorded::at)
                .isEqualTo(before.stream().map(Recorded::at).toList());
        assertThat(store.head(COPY)).isEqualTo(image.head());
        assertThat(info(COPY).openedAt()).isEqualTo(info(ID).openedAt());
        assertThat(info(COPY).changedAt()).isEqualTo(clock.instant());
        assertThat(info(COPY).labels()).isEqualTo(Map.of("plan", "gold"));
        assertThat(info(COPY).status()).isEqualTo(SessionStatus.WAITING);
        assertThat(info(COPY).agent()).isEqualTo(AGENT);
        assertThat(store.image(COPY).orElseThrow().items()).isEqualTo(image.items());
        assertThat(store.inbox(COPY, 0, 10)).isEqualTo(store.inbox(ID, 0, 10)).hasSize(1);
        Question question = store.findQuestion(new QuestionId(COPY, "q")).orElseThrow();
        assertThat(question.askedAt()).isEqualTo(image.questions().get(0).askedAt());
        assertThat(question.arguments()).isEqualTo("{\"cents\":1}");
        assertThat(store.questions(COPY.tenant(), null, 10)).hasSize(1);
        assertThat(blobs)
                .hasSize(2)
                .allMatch(blob -> store.blobs()
                        .find(COPY, blob)
                        .filter(bytes -> bytes.length == blob.size())
                        .isPresent());
    }

    @Test
    void restoredSession_goesOn_underAHigherFence() {
        whole();
        Image image = store.image(ID).orElseThrow();
        restore(image, COPY);

        Lease lease = held(COPY, bob);
        append(lease, progress());

        assertThat(lease.fence()).isGreaterThan(image.fence());
        assertThat(lease.findPrevious()).isEmpty();
        assertThat(lease.inboxHead()).isEqualTo(image.inboxHead());
        assertThat(log(COPY)).extracting(Recorded::fence).isSorted();
        assertThat(accepted(COPY, message("k3"))).isEqualTo(image.inboxHead() + 1);
    }

    @Test
    void keysOfARestoredInbox_stayTaken_theConsumedOnesToo() {
        whole();
        restore(store.image(ID).orElseThrow(), COPY);

        assertThat(store.post(COPY, message("k1"))).isEqualTo(new Posted.Duplicate(1));
        assertThat(store.post(COPY, message("k2"))).isEqualTo(new Posted.Duplicate(2));
        assertThat(store.post(COPY, message("k2", "other"))).isEqualTo(new Posted.Conflict(2));
    }

    @Test
    void keyOfARestoredItemWithoutADigest_isTaken_byWhateverComes() {
        whole();
        Image image = store.image(ID).orElseThrow();
        List<Image.Item> items = image.items().stream()
                .map(item -> new Image.Item(
                        item.position(),
                        item.key(),
                        item.kind(),
                        item.from(),
                        item.at(),
                        item.consumed(),
                        item.body(),
                        null))
                .toList();
        restore(
                new Image(image.session(), image.fence(), image.head(), image.inboxHead(), items, image.questions()),
                COPY);

        assertThat(store.post(COPY, message("k1", "other"))).isEqualTo(new Posted.Duplicate(1));
        assertThat(store.post(COPY, message("k2", "other"))).isEqualTo(new Posted.Conflict(2));
        assertThat(store.image(COPY).orElseThrow().items()).isEqualTo(items);
    }

    @Test
    void keyOfARestoredItemWithADigest_isRefusedToAnotherItem_orTakenForTheSame() {
        whole();
        restore(store.image(ID).orElseThrow(), COPY);
        boolean known =
                store.image(COPY).orElseThrow().items().get(0).findDigest().isPresent();

        assertThat(store.post(COPY, message("k1", "other")))
                .isEqualTo(known ? new Posted.Conflict(1) : new Posted.Duplicate(1));
    }

    @Test
    void restoredSession_thatWasRunning_isReady() {
        Lease lease = held(opened(ID), ann);
        append(lease, note("n"));
        restore(store.image(ID).orElseThrow(), COPY);

        assertThat(status(COPY)).isEqualTo(SessionStatus.READY);
        assertThat(status(ID)).isEqualTo(SessionStatus.RUNNING);
        assertThat(ready(bob)).extracting(Lease::session).containsExactly(COPY);
    }

    @Test
    void restoredSession_thatWasQuarantined_isQuarantined() {
        Terms once = new Terms(ann, TTL, 1, Duration.ZERO, Duration.ZERO);
        opened(ID);
        store.claim(ID, once);
        elapse(TTL);
        store.claim(ID, once);
        restore(store.image(ID).orElseThrow(), COPY);

        assertThat(status(COPY)).isEqualTo(SessionStatus.QUARANTINED);
        assertThat(info(COPY).attempts()).isEqualTo(1);
    }

    @Test
    void restore_ofASessionThatIsThere_orWasDeleted_changesNothing() {
        whole();
        Image image = store.image(ID).orElseThrow();
        assertThat(restore(image, ID)).isFalse();
        opened(COPY);
        assertThat(restore(image, COPY)).isFalse();
        assertThat(log(COPY)).hasSize(1);
        store.delete(COPY);
        assertThat(restore(image, COPY)).isFalse();
        assertThat(status(COPY)).isEqualTo(SessionStatus.DELETED);
    }

    @Test
    void restore_whoseNameIsTakenMeanwhile_changesNothing() {
        whole();
        Image image = store.image(ID).orElseThrow();
        Iterator<byte[]> none = new Iterator<>() {
            @Override
            public boolean hasNext() {
                opened(COPY);
                return false;
            }

            @Override
            public byte[] next() {
                throw new NoSuchElementException();
            }
        };

        assertThat(store.restore(named(image, COPY), log(ID).iterator(), none)).isFalse();
        assertThat(log(COPY)).hasSize(1);
        assertThat(store.questions(COPY.tenant(), null, 10)).isEmpty();
    }

    @Test
    void restore_thatBreaksOff_leavesNothingToBeSeen_andCanBeRepeated() {
        whole();
        Image image = store.image(ID).orElseThrow();
        Iterator<byte[]> broken = new Iterator<>() {
            @Override
            public boolean hasNext() {
                assertThat(store.find(COPY)).isEmpty();
                assertThat(store.list(COPY.tenant(), Set.of(), "", 10)).isEmpty();
                assertThat(store.questions(COPY.tenant(), null, 10)).isEmpty();
                assertThat(store.ready()).isEmpty();
                throw new IllegalStateException("cut");
            }

            @Override
            public byte[] next() {
                throw new NoSuchElementException();
            }
        };

        assertThatThrownBy(() -> store.restore(named(image, COPY), log(ID).iterator(), broken))
                .hasMessage("cut");
        assertThat(store.find(COPY)).isEmpty();
        assertThat(restore(image, COPY)).isTrue();
        assertThat(log(COPY)).hasSize(log(ID).size());
    }

    @Test
    void restore_ofEventsThatDoNotEndAtTheHead_isRefused() {
        whole();
        Image image = named(store.image(ID).orElseThrow(), COPY);
        List<Recorded> log = log(ID);

        assertThatThrownBy(() -> store.restore(image, log.subList(0, 2).iterator(), Collections.emptyIterator()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(
                        () -> store.restore(image, log.subList(1, log.size()).iterator(), Collections.emptyIterator()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(store.find(COPY)).isEmpty();
    }

    @Test
    void image_ofAnUnknownOrDeletedSession_isEmpty() {
        assertThat(store.image(ID)).isEmpty();
        store.delete(opened(ID));
        assertThat(store.image(ID)).isEmpty();
    }

    /** One that waits, with some of everything: an item consumed, one not, an open question, two blobs. */
    private void whole() {
        NewSession fresh = session(ID);
        store.open(new NewSession(ID, AGENT, Map.of("plan", "gold"), fresh.first()));
        accepted(ID, message("k1"));
        accepted(ID, message("k2"));
        Lease lease = held(ID, ann);
        append(lease, consume(1, progress()));
        elapse(Duration.ofSeconds(1));
        append(lease, ask(question(ID, "q"), question(ID, "closed")));
        append(lease, close("closed"));
        blobs.add(store.blobs().put(ID, new byte[] {1, 2, 3}));
        blobs.add(store.blobs().put(ID, new byte[0]));
        append(lease, release(SessionStatus.WAITING, 2, progress()));
    }

    private boolean restore(Image image, SessionId as) {
        Iterator<byte[]> bytes = blobs.stream()
                .map(ref -> store.blobs().find(ID, ref).orElseThrow())
                .iterator();
        return store.restore(named(image, as), log(ID).iterator(), bytes);
    }

    private static Image named(Image image, SessionId as) {
        SessionInfo was = image.session();
        SessionInfo session = new SessionInfo(
                as,
                was.agent(),
                was.status(),
                was.labels(),
                was.openedAt(),
                was.changedAt(),
                null,
                null,
                was.attempts());
        List<Question> questions = image.questions().stream()
                .map(question -> new Question(
                        new QuestionId(as, question.id().key()),
                        question.kind(),
                        question.call(),
                        question.tool(),
                        question.arguments(),
                        question.text(),
                        question.askedAt()))
                .toList();
        return new Image(session, image.fence(), image.head(), image.inboxHead(), image.items(), questions);
    }
}
