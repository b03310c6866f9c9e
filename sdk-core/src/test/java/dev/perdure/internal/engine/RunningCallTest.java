package dev.perdure.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Logged;
import dev.perdure.sandbox.Sandbox;
import dev.perdure.session.Actor;
import dev.perdure.session.BlobRef;
import dev.perdure.session.CallId;
import dev.perdure.session.CallView;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.tool.Probe;
import dev.perdure.tool.Tool;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.context.Context;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A body whose thread starts late, and one that fails. */
class RunningCallTest {
    private final SessionId session = SessionId.of("acme", "s");
    private final Telemetry telemetry = new Telemetry(OpenTelemetry.noop());
    private final List<String> ran = new ArrayList<>();
    private final List<ToolOutput> reported = new ArrayList<>();
    private boolean alive = true;
    private @Nullable Error failure;

    private RunningCall call(Tool tool) {
        CallView view = new CallView(
                new CallId("c/0"), "p", "t", "{}", false, false, CallView.State.STARTED, 1, 0, tool.effect(), null);
        RunningCall call = new RunningCall(session, view, 1, Actor.UNNAMED, tool, new Desk());
        call.prepare(Json.parse("{}"));
        return call;
    }

    private void run(RunningCall call) {
        call.run(() -> telemetry.tool(session, call.id(), "t", 1, Context.root()));
    }

    private Tool once() {
        return Tool.once("t", "", Json.class, (in, call) -> ran.add("once")).probe(Probe.none());
    }

    /** By then another worker may have the session, a human may have said "it did not happen", and the call may run again. */
    @Test
    void onceCallWhoseThreadStartsAfterTheLease_doesNotRun() {
        RunningCall call = call(once());
        alive = false;
        run(call);

        assertThat(ran).isEmpty();
        assertThat(reported).extracting(ToolOutput::outcome).containsExactly(Event.CallOutcome.INTERRUPTED);
    }

    @Test
    void onceCallWhoseThreadStartsAfterItsRun_doesNotRun() {
        RunningCall call = call(once());
        call.orphan();
        run(call);

        assertThat(ran).isEmpty();
        assertThat(reported).extracting(ToolOutput::outcome).containsExactly(Event.CallOutcome.INTERRUPTED);
    }

    @Test
    void onceCallUnderAGoodLease_runs() {
        run(call(once()));

        assertThat(ran).containsExactly("once");
    }

    /** Arguments are in what it says; a log is read by people who may not see them. */
    @Test
    void bodyWithABug_isWarnedOf_withItsPlace_andWithoutItsMessage() {
        String logged = logged(Tool.pure("t", "", Json.class, (in, call) -> {
            throw new IllegalStateException("order 4711 of ann");
        }));

        assertThat(logged)
                .contains("WARN", "acme/s", "tool t failed", "java.lang.IllegalStateException", "RunningCallTest.java")
                .doesNotContain("4711");
        assertThat(reported.get(0).text()).contains("order 4711 of ann");
    }

    @Test
    void bodyThatSaysWhatItCannotDo_isNotWarnedOf() {
        assertThat(logged(Tool.pure("t", "", Json.class, (in, call) -> {
                    throw new IOException("no such order");
                })))
                .isEmpty();
        assertThat(reported).extracting(ToolOutput::outcome).containsExactly(Event.CallOutcome.ERROR);
    }

    private String logged(Tool tool) {
        return Logged.during(() -> run(call(tool)));
    }

    /** An error while a large result is kept, say. */
    @Test
    void resultThatDoesNotGetThrough_isReportedAsLost_andAsNoResultOfItsBody() {
        failure = new OutOfMemoryError("Java heap space");
        run(call(once()));

        assertThat(reported).extracting(ToolOutput::outcome).containsExactly(Event.CallOutcome.ERROR);
        assertThat(reported).extracting(ToolOutput::returned).containsExactly(false);
    }

    private final class Desk implements RunningCall.Desk {
        @Override
        public void done(RunningCall call, ToolOutput output) {
            Error thrown = failure;
            failure = null;
            if (thrown != null) {
                throw thrown;
            }
            reported.add(output);
        }

        @Override
        public void late(RunningCall call, ToolOutput output) {
            reported.add(output);
        }

        @Override
        public boolean alive() {
            return alive;
        }

        @Override
        public ToolOutput kept(ToolOutput output) {
            return output;
        }

        @Override
        public Sandbox sandbox() {
            throw new UnsupportedOperationException();
        }

        @Override
        public BlobRef keep(byte[] content) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void offer(Signal signal) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void aside(Runnable task) {
            task.run();
        }

        @Override
        public Future<?> schedule(Runnable task, Duration after) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Telemetry telemetry() {
            return telemetry;
        }
    }
}
