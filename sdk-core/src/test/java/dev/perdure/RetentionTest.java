package dev.perdure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.Actor;
import dev.perdure.session.Retention;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What an operator takes away. */
class RetentionTest {
    private static final TenantId ACME = TenantId.of("acme");

    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final Operator operator = Operator.of(store);
    private final Agent agent =
            Agent.builder("a").model(FakeModel.steps(FakeModel.text("x"))).build();

    @Test
    void erase_leavesNothingOfATenant_notEvenNames_andOthersAlone() {
        SessionId other = SessionId.of("other", "s");
        try (AgentRuntime runtime =
                AgentRuntime.builder(store).agents(agent).workers(0).build()) {
            for (String name : new String[] {"1", "2", "3"}) {
                runtime.open(SessionId.of("acme", name), "a");
            }
            runtime.open(other, "a");
        }
        operator.delete(SessionId.of("acme", "1"));

        assertThat(operator.erase(ACME)).isEqualTo(2);

        for (String name : new String[] {"1", "2", "3"}) {
            assertThat(operator.find(SessionId.of("acme", name))).isEmpty();
        }
        assertThat(operator.find(other).map(SessionInfo::status)).contains(SessionStatus.IDLE);
        assertThat(operator.erase(ACME)).isZero();
    }

    @Test
    void purge_ofEndedSessions_leavesOpenOnes() {
        SessionId ended = SessionId.of("acme", "ended");
        SessionId open = SessionId.of("acme", "open");
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            runtime.open(open, "a");
            runtime.open(ended, "a").end("solved", Actor.user("ann"));
            Sessions.eventually(
                    "it has ended", () -> operator.find(ended).orElseThrow().status() == SessionStatus.ENDED);
        }

        assertThat(operator.purge(Retention.of(Duration.ofDays(1)))).isZero();
        assertThat(operator.purge(Retention.of(Duration.ZERO))).isEqualTo(1);
        assertThat(operator.sessions(ACME)).extracting(SessionInfo::id).containsExactly(open);
    }

    @Test
    void retention_namesWhatIsWrongWithIt() {
        assertThatThrownBy(() -> Retention.of(Duration.ofDays(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("PT-24H");
        assertThatThrownBy(() -> Retention.of(Duration.ofSeconds(Long.MAX_VALUE)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("36,500 days");
        assertThatThrownBy(() -> new Retention(Duration.ZERO, Set.of(), null, null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at least one status");
    }
}
