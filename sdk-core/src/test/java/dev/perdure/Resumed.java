package dev.perdure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.session.TurnView;
import java.util.List;

/** Views that were made from a snapshot and what came after it. */
final class Resumed {
    private Resumed() {}

    /** The view of {@code log} by way of a snapshot after its event number {@code at}. */
    static SessionView view(SessionId id, List<Recorded> log, int at) {
        SessionView before = SessionView.of(id, log.subList(0, at));
        SessionView view = SessionView.of(id, before.position(), before.snapshot(), past(log))
                .orElseThrow();
        for (Recorded event : log.subList(at, log.size())) {
            view = view.with(event);
        }
        return view;
    }

    static SessionView.PastReader past(List<Recorded> log) {
        return (after, limit) -> log.subList((int) after, Math.min(log.size(), (int) after + limit));
    }

    /** Everything that a view tells, and what an agent makes of it. */
    static void assertSame(SessionView view, SessionView expected, Agent agent) {
        if (expected.findTurn().filter(TurnView::open).isPresent()) {
            // First, because it looks at the past by itself.
            assertThat(agent.next(view)).isEqualTo(agent.next(expected));
        }
        assertThat(view.snapshot()).isEqualTo(expected.snapshot());
        assertThat(view.position()).isEqualTo(expected.position());
        assertThat(view.agent()).isEqualTo(expected.agent());
        assertThat(view.findTurn()).isEqualTo(expected.findTurn());
        assertThat(view.ended()).isEqualTo(expected.ended());
        assertThat(view.inputs()).isEqualTo(expected.inputs());
        assertThat(view.calls()).isEqualTo(expected.calls());
        assertThat(view.questions()).isEqualTo(expected.questions());
        assertThat(view.notes()).containsExactlyEntriesOf(expected.notes());
        assertThat(view.artifacts()).containsExactlyEntriesOf(expected.artifacts());
        assertThat(view.findSandbox()).isEqualTo(expected.findSandbox());
        assertThat(view.steps()).isEqualTo(expected.steps());
        assertThat(view.usage()).isEqualTo(expected.usage());
        assertThat(view.cost()).isEqualTo(expected.cost());
        assertThat(view.events()).isEqualTo(expected.events());
    }
}
