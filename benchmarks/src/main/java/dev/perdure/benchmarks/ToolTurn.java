package dev.perdure.benchmarks;

import com.zaxxer.hikari.HikariConfig;
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
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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

    private static final int COUNTED_CALLS = 100;
    private static final int CONNECTIONS = 8;

    private final Texts texts = new Texts();
    private final String thought = texts.next(300);
    private final String result = texts.next(Texts.KB);
    private final AtomicInteger turns = new AtomicInteger();

    @Override
    public String about() {
        return "durable steps per second of an agent's turn (" + (CALLS + 1) + " model calls, " + CALLS
                + " tool calls of 1 KB, both instant) beside a DBOS workflow with the same calls; round trips per tool step";
    }

    @Override
    public Map<String, String> run(double factor, PrintStream out) throws Exception {
        int each = Math.max(1, (int) (100 * factor));
        Map<String, String> results = new LinkedHashMap<>();
        try (Postgres postgres = Postgres.start(CONNECTIONS, out)) {
            results.put("round_trips", Numbers.two(roundTrips(postgres)));
            try (SessionStore store = JdbcSessionStore.of(postgres.pool());
                    AgentRuntime runtime = runtime(store, model(CALLS));
                    HikariDataSource pool = pool(postgres);
                    DBOS dbos = new DBOS(
                            DBOSConfig.defaults("bench").withDataSource(pool).withAppVersion("1"))) {
                AgentWorkflow workflow = dbos.registerProxy(AgentWorkflow.class, new Durable(dbos, thought, result));
                dbos.launch();
                Callable<?> ours = () -> turn(runtime);
                Callable<?> theirs = () -> dbos.startWorkflow(
                                () -> workflow.answer("input", CALLS),
                                new StartWorkflowOptions("turn-" + turns.incrementAndGet()))
                        .getResult();
                stepsPerSecond(ours, 1, each);
                stepsPerSecond(theirs, 1, each);
                results.put("dbos_ratio", Numbers.two(compare(ours, theirs, 1, each, out)));
                compare(ours, theirs, 4, each, out);
                requireSteps(postgres);
            }
        }
        return results;
    }

    /** From one model call to the next: what is in between is the reply, the tool's start and its result. The lease's renewals count too. */
    private double roundTrips(Postgres postgres) {
        List<Long> atCall = new ArrayList<>();
        ModelClient model = model(COUNTED_CALLS);
        try (HikariDataSource counted = postgres.counted();
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
        Outcome outcome = runtime.open(SessionId.of("bench", "turn-" + turns.incrementAndGet()), AGENT)
                .send("input")
                .await();
        if (!(outcome instanceof Outcome.Done)) {
            throw new IllegalStateException("the turn was to be done: " + outcome.summary());
        }
        return outcome;
    }

    private static HikariDataSource pool(Postgres postgres) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(postgres.url());
        config.setMaximumPoolSize(CONNECTIONS);
        return new HikariDataSource(config);
    }

    private static double compare(Callable<?> ours, Callable<?> theirs, int threads, int each, PrintStream out)
            throws Exception {
        Runs ratios = new Runs();
        for (int run = 1; run <= Runs.COUNT; run++) {
            double our = stepsPerSecond(ours, threads, each);
            double their = stepsPerSecond(theirs, threads, each);
            ratios.add(our / their);
            out.println("run " + run + ", " + threads + " at a time: ours " + Math.round(our) + " steps/s, DBOS "
                    + Math.round(their) + " steps/s, ratio " + Numbers.two(our / their));
        }
        out.println("median (least to most) at " + threads + ": " + ratios);
        return ratios.median();
    }

    private static double stepsPerSecond(Callable<?> turn, int threads, int each) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            List<Callable<Void>> work = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                work.add(() -> {
                    for (int done = 0; done < each; done++) {
                        turn.call();
                    }
                    return null;
                });
            }
            long start = System.nanoTime();
            for (Future<Void> done : pool.invokeAll(work)) {
                done.get();
            }
            return (double) threads * each * STEPS / ((System.nanoTime() - start) / 1e9);
        } finally {
            pool.shutdown();
        }
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
            return dbos.runStep(() -> thought, "model");
        }
    }
}
