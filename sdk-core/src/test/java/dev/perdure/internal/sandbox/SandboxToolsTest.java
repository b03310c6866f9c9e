package dev.perdure.internal.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.LocalSandbox;
import dev.perdure.sandbox.Sandbox;
import dev.perdure.session.Actor;
import dev.perdure.session.CallId;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.Interruption;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.tool.Tool;
import dev.perdure.tool.ToolCall;
import dev.perdure.tool.ToolResult;
import dev.perdure.tool.Toolbox;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SandboxToolsTest {
    private static final SessionId SESSION = SessionId.of("acme", "tools");

    @TempDir
    Path folder;

    private Sandbox sandbox;
    private final Toolbox tools = Toolbox.empty().plus(SandboxTools.tools());

    @BeforeEach
    void open() {
        sandbox = LocalSandbox.inFolder(folder).open(SESSION, 1);
    }

    @AfterEach
    void close() {
        sandbox.close();
    }

    @Test
    void shell_showsExitCodeAndBothOutputs() throws Exception {
        assertThat(run("shell", "1", Map.of("command", "echo out; echo err >&2; exit 3")))
                .isEqualTo("exit code 3\n--- stdout\nout\n\n--- stderr\nerr\n");
    }

    @Test
    void shell_repeatedForTheSameCall_runsTheCommandOnce() throws Exception {
        String first = run("shell", "same", Map.of("command", "echo x >>ledger; wc -l <ledger"));
        assertThat(run("shell", "same", Map.of("command", "echo x >>ledger; wc -l <ledger")))
                .isEqualTo(first);
        assertThat(run("shell", "other", Map.of("command", "wc -l <ledger"))).contains("1");
    }

    @Test
    void shell_saysThatOutputWasCut() throws Exception {
        assertThat(run("shell", "1", Map.of("command", "yes | head -c 100000"))).endsWith("of a stream are kept]");
    }

    @Test
    void shell_saysThatTheTimeWasUp() throws Exception {
        assertThat(run("shell", "1", Map.of("command", "sleep 60", "timeoutSeconds", 1)))
                .startsWith("killed: the time was up after 1 s");
    }

    @Test
    void shell_refusesATimeoutLongerThanTheCallMayTake() {
        assertThatThrownBy(() -> run("shell", "1", Map.of("command", "true", "timeoutSeconds", 600)))
                .hasMessageContaining("at most")
                .hasMessageContaining("600");
    }

    @Test
    void writtenFiles_areReadAndListed() throws Exception {
        assertThat(run("write_file", "1", Map.of("path", "a/b.txt", "content", "one\ntwo\nthree\n")))
                .isEqualTo("wrote 14 bytes to a/b.txt");
        assertThat(run("read_file", "2", Map.of("path", "a/b.txt"))).isEqualTo("one\ntwo\nthree\n");
        assertThat(run("read_file", "3", Map.of("path", "a/b.txt", "offset", 2, "limit", 1)))
                .isEqualTo("two\n[more lines from 3]");
        assertThat(run("list_files", "4", Map.of())).isEqualTo("a/");
        assertThat(run("list_files", "5", Map.of("path", "a"))).isEqualTo("b.txt  14");
    }

    @Test
    void read_ofAMissingFile_isAnErrorForTheModel() throws Exception {
        assertThat(result("read_file", "1", Map.of("path", "none"))).isEqualTo(ToolResult.error("no such file: none"));
    }

    @Test
    void onlyReadingIsPure_andOptionalArgumentsAreNotRequired() {
        assertThat(tools.tools())
                .extracting(Tool::effect)
                .containsExactly(Effect.IDEMPOTENT, Effect.PURE, Effect.IDEMPOTENT, Effect.PURE);
        assertThat(tools.find("shell").orElseThrow().spec().schema().find("required"))
                .hasValue(Json.parse("[\"command\"]"));
    }

    private String run(String tool, String call, Map<String, Object> arguments) throws Exception {
        return result(tool, call, arguments).text();
    }

    private ToolResult result(String tool, String call, Map<String, Object> arguments) throws Exception {
        return ToolResult.of(tools.find(tool)
                .orElseThrow()
                .prepare(Json.of(arguments), new Call(call, sandbox))
                .run());
    }

    private record Call(String name, Sandbox sandbox) implements ToolCall {
        @Override
        public SessionId session() {
            return SESSION;
        }

        @Override
        public CallId id() {
            return new CallId(name + "/0");
        }

        @Override
        public String idempotencyKey() {
            return SESSION + "/" + id();
        }

        @Override
        public int attempt() {
            return 1;
        }

        @Override
        public Actor actor() {
            return Actor.user("ann");
        }

        @Override
        public Interruption interruption() {
            return Interruption.never();
        }

        @Override
        public Event.ArtifactSaved saveArtifact(String name, String mediaType, byte[] content) {
            throw new UnsupportedOperationException();
        }
    }
}
