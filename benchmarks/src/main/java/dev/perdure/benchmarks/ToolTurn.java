package dev.perdure.benchmarks;

import com.zaxxer.hikari.HikariDataSource;
import dev.dbos.transact.DBOS;
import dev.dbos.transact.StartWorkflowOptions;
import dev.dbos.transact.config.DBOSConfig;
import dev.dbos.transact.workflow.Workflow;
import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Outcome;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.ModelClient;
import dev.perdure.spi.SessionStore;
import dev.perdure.tool.Tool;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An agent's turn whose model and tool answer at once, so that what takes time is to make its steps durable. A durable step is, on both sides, one
 * model call or one tool call whose result is stored before the next one begins. Beside it a DBOS workflow with the same calls, each in {@code
 * runStep}, and results of the same size. From the input to the answer, start and end included.
 */
final class ToolTurn implements Benchmark {
    private static final String AGENT = "bench";
    private static final int CALLS = 20;
    /** Model calls and tool calls. */
    private static final int STEPS = CALLS + 1 + CALLS;

    private static final int TURNS = 100;
    private static final int DELAY_MICROS = 500;
    private static final int COUNTED_CALLS = 100;
    private static final int CONNECTIONS = 8;

    private final Texts texts = new Texts();
    private final String thought = texts.next(300);
    private final String result = texts.next(Texts.KB);
    private final AtomicInteger number = new AtomicInteger();

    @Override
    public String about() {
        return "durable steps per second of an agent's turn (" + (CALLS + 1) + " model calls, " + CALLS
                + " tool calls of 1 KB, both instant) beside a DBOS workflow with the same calls; round trips per tool step";
    }

    @Override
    public Map<String, String> run(double factor, PrintStream out) throws Exception {
        int turns = Math.max(1, (int) (TURNS * factor));
        Map<String, String> results = new LinkedHashMap<>();
        try (Postgres postgres = Postgres.start(CONNECTIONS, out)) {
            results.put("round_trips", Numbers.two(roundTrips(postgres)));
            results.put("dbos_ratio", Numbers.two(beside(postgres, 0, 2 * turns, turns, out)));
            // Context: a server in the same data centre.
            beside(postgres, DELAY_MICROS, turns / 10 + 1, turns / 10 + 1, out);
            requireSteps(postgres);
        }
        return results;
    }

    private double beside(Postgres postgres, int delayMicros, int warmUp, int turns, PrintStream out) throws Exception {
        try (HikariDataSource our = postgres.pool(CONNECTIONS, delayMicros);
                HikariDataSource their = postgres.pool(CONNECTIONS, delayMicros);
                SessionStore store = JdbcSessionStore.of(our);
                AgentRuntime runtime = runtime(store, model(CALLS));
                DBOS dbos = new DBOS(
                        DBOSConfig.defaults("bench").withDataSource(their).withAppVersion("1"))) {
            AgentWorkflow workflow = dbos.registerProxy(AgentWorkflow.class, new Durable(dbos, thought, result));
            dbos.launch();
            Callable<?> ours = () -> turn(runtime);
            Callable<?> theirs = () -> dbos.startWorkflow(
                            () -> workflow.answer("input", CALLS),
                            new StartWorkflowOptions("turn-" + number.incrementAndGet()))
                    .getResult();
            take(ours, 1, warmUp);
            take(theirs, 1, warmUp);
            String where = delayMicros == 0 ? "" : ", each round trip " + delayMicros + " µs longer";
            double ratio = compare(ours, theirs, 1, turns, where, out);
            compare(ours, theirs, 4, turns, where, out);
            return ratio;
        }
    }

    /** From one model call to the next: what is in between is the reply, the tool's start and its result. The lease's renewals count too. */
    private double roundTrips(Postgres postgres) {
        List<Long> atCall = new ArrayList<>();
        ModelClient model = model(COUNTED_CALLS);
        try (HikariDataSource counted = postgres.pool(2, 0);
                SessionStore store = JdbcSessionStore.of(counted);
                AgentRuntime runtime = runtime(store, (request, scope) -> {
                    atCall.add(RoundTrips.count());
                    return model.call(request, scope);
                })) {
            turn(runtime);
        }
        return (atCall.get(COUNTED_CALLS) - atCall.get(0)) / (double) COUNTED_CALLS;
    }

    private ModelClient model(int calls) {
        return new InstantModel("look", calls, thought, "{\"at\":\"the same page again\"}");
    }

    /** Claims nothing from others, so that none but the turns' own statements are there. */
    private AgentRuntime runtime(SessionStore store, ModelClient model) {
        Agent agent = Agent.builder(AGENT)
                .model(model)
                .tool(Tool.pure("look", "Looks", Json.class, (in, call) -> result))
                .build();
        return AgentRuntime.builder(store).agents(agent).workers(0).build();
    }

    private Outcome turn(AgentRuntime runtime) {
        Outcome outcome = runtime.open(SessionId.of("bench", "turn-" + number.incrementAndGet()), AGENT)
                .send("input")
                .await();
        if (!(outcome instanceof Outcome.Done)) {
            throw new IllegalStateException("the turn was to be done: " + outcome.summary());
        }
        return outcome;
    }

    private static double compare(
            Callable<?> ours, Callable<?> theirs, int threads, int each, String where, PrintStream out)
            throws Exception {
        Runs ratios = new Runs();
        int slice = each / Pair.SLICES + 1;
        int steps = threads * slice * STEPS;
        for (int run = 1; run <= Runs.COUNT; run++) {
            Pair nanos = Pair.measure(() -> take(ours, threads, slice), () -> take(theirs, threads, slice));
            double ratio = ratios.add(nanos.theirs() / (double) nanos.ours());
            out.println("run " + run + ", " + threads + " at a time" + where + ": ours "
                    + Math.round(Pair.perSecond(nanos.ours(), steps)) + " steps/s, DBOS "
                    + Math.round(Pair.perSecond(nanos.theirs(), steps)) + " steps/s, ratio " + Numbers.two(ratio));
        }
        out.println("median (least to most), " + threads + " at a time" + where + ": " + ratios);
        return ratios.median();
    }

    private static void take(Callable<?> turn, int threads, int each) throws Exception {
        Threads.run(threads, thread -> {
            for (int done = 0; done < each; done++) {
                turn.call();
            }
        });
    }

    /** Both sides have stored the results of as many model calls and tool calls. */
    private static void requireSteps(Postgres postgres) throws Exception {
        long theirs = postgres.number("SELECT count(*) FROM dbos.operation_outputs");
        long ours = postgres.number("SELECT count(*) FROM perdure_event WHERE type IN ('ModelReplied', 'ToolFinished')")
                - (COUNTED_CALLS + 1 + COUNTED_CALLS);
        if (ours != theirs) {
            throw new IllegalStateException("not the same work: " + ours + " steps here, " + theirs + " there");
        }
    }

    /** What DBOS makes a proxy of. */
    public interface AgentWorkflow {
        /** A turn with {@code calls} calls of the tool. */
        String answer(String input, int calls);
    }

    /** The loop of an agent as its users write it: each call is a step. Public for DBOS. */
    public static final class Durable implements AgentWorkflow {
        private final DBOS dbos;
        private final String thought;
        private final String result;

        Durable(DBOS dbos, String thought, String result) {
            this.dbos = dbos;
            this.thought = thought;
            this.result = result;
        }

        @Override
        @Workflow(name = "answer")
        public String answer(String input, int calls) {
            List<String> conversation = new ArrayList<>(List.of(input));
            for (int call = 0; call < calls; call++) {
                conversation.add(dbos.runStep(() -> thought, "model"));
                conversation.add(dbos.runStep(() -> result, "tool"));
            }
            conversation.add(dbos.runStep(() -> thought, "model"));
            return conversation.get(conversation.size() - 1);
        }
    }
}
