package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.sandbox.Command;
import dev.perdure.sandbox.Execution.Result;
import dev.perdure.sandbox.Sandbox;
import dev.perdure.sandbox.SandboxException;
import dev.perdure.session.Interruption;
import dev.perdure.session.SessionId;
import dev.perdure.spi.SandboxProvider;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A sandbox of its own for each test. */
abstract class SandboxFixture {
    static final long FENCE = 10;

    final SessionId session = SessionId.of("contract", UUID.randomUUID().toString());
    Sandbox sandbox;

    /** A new provider, as another process would make it: all that it makes see the same sandboxes. */
    protected abstract SandboxProvider provider();

    @BeforeEach
    void openSandbox() {
        sandbox = provider().open(session, FENCE);
    }

    @AfterEach
    void closeSandbox() {
        provider().open(session, Long.MAX_VALUE).close();
    }

    Result run(String line) {
        return run(Command.shell(line));
    }

    Result run(Command command) {
        return sandbox.start(command).await(Interruption.never());
    }

    String output(String line) {
        return run(line).outputText();
    }

    String content(String path) {
        return new String(sandbox.read(path, 1 << 20).orElseThrow(), StandardCharsets.UTF_8);
    }

    void write(String path, String content) {
        sandbox.write(path, content.getBytes(StandardCharsets.UTF_8));
    }

    /** Whether the files of {@link #beat} are there and have stopped growing. */
    boolean beatingStops() {
        return output(
                        "a=$(cat beat* | wc -c); sleep 0.3; b=$(cat beat* | wc -c); [ $a -gt 0 ] && [ $a -eq $b ] && echo still")
                .contains("still");
    }

    /** A line that writes to a file every 10 ms as long as it lives. */
    static String beat(int number) {
        return "(while :; do echo x >>beat" + number + "; sleep 0.01; done) ";
    }

    static void assertKind(SandboxException.Kind kind, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        SandboxException.class,
                        e -> org.assertj.core.api.Assertions.assertThat(e.kind())
                                .isEqualTo(kind));
    }

    /** Looks until {@code condition} holds; fails after 10 s. */
    static void eventually(BooleanSupplier condition) {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - start > 10_000_000_000L) {
                throw new AssertionError("did not happen within 10 s");
            }
            Thread.onSpinWait();
        }
    }
}
