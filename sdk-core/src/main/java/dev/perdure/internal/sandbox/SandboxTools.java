package dev.perdure.internal.sandbox;

import dev.perdure.sandbox.Command;
import dev.perdure.sandbox.Execution;
import dev.perdure.sandbox.Sandbox;
import dev.perdure.tool.Describe;
import dev.perdure.tool.Tool;
import dev.perdure.tool.ToolCall;
import dev.perdure.tool.ToolResult;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What an agent with a sandbox can do in it: run commands, read, write and list files. Stateless. */
public final class SandboxTools {
    private static final Duration SHELL_TIMEOUT = Duration.ofMinutes(2);
    // Less than a tool call may take: the command's own limit comes first, and says so.
    private static final Duration LONGEST_SHELL_TIMEOUT = Tool.DEFAULT_TIMEOUT.minusSeconds(30);
    private static final int OUTPUT_LIMIT = 32_000;
    private static final int LINES = 2_000;
    private static final int LARGEST_FILE = 16 << 20;

    private SandboxTools() {}

    /** {@code shell}, {@code read_file}, {@code write_file}, {@code list_files}. */
    public static List<Tool> tools() {
        return List.of(
                Tool.idempotent(
                        "shell",
                        "Runs a line with sh in the workspace and returns exit code and output. Each call is a new shell;"
                                + " only files stay.",
                        Shell.class,
                        SandboxTools::shell),
                Tool.pure("read_file", "Reads a text file of the workspace.", ReadFile.class, SandboxTools::read),
                Tool.idempotent(
                        "write_file",
                        "Makes or replaces a text file of the workspace, and the folders above it.",
                        WriteFile.class,
                        SandboxTools::write),
                Tool.pure(
                        "list_files",
                        "Lists a folder of the workspace; not below.",
                        ListFiles.class,
                        SandboxTools::list));
    }

    record Shell(
            @Describe("a line for sh -c") String command,

            @Describe("the command is killed after this; default 120, at most 570") @Nullable
            Integer timeoutSeconds) {
        Duration timeout() {
            Duration wanted = timeoutSeconds == null ? SHELL_TIMEOUT : Duration.ofSeconds(timeoutSeconds);
            if (wanted.toMillis() < 1 || wanted.compareTo(LONGEST_SHELL_TIMEOUT) > 0) {
                throw new IllegalArgumentException("timeoutSeconds must be at least 1 and at most "
                        + LONGEST_SHELL_TIMEOUT.toSeconds() + ", but is " + timeoutSeconds);
            }
            return wanted;
        }
    }

    record ReadFile(
            @Describe("relative to the workspace") String path,

            @Describe("first line to return, from 1; default 1") @Nullable
            Integer offset,

            @Describe("most lines to return; default 2000") @Nullable
            Integer limit) {}

    record WriteFile(
            @Describe("relative to the workspace") String path,
            @Describe("the whole content of the file") String content) {}

    record ListFiles(
            @Describe("folder, relative to the workspace; default the workspace") @Nullable
            String path) {}

    private static String shell(Shell input, ToolCall call) {
        Command command = Command.shell(input.command())
                // A repeat after a crash finds the execution that the first attempt started.
                .id("tool-" + Digests.of(call.idempotencyKey()))
                .timeout(input.timeout())
                .outputLimit(OUTPUT_LIMIT);
        return shown(call.sandbox().start(command).await(call.interruption()));
    }

    static String shown(Execution.Result result) {
        StringBuilder text = new StringBuilder(ending(result));
        part(text, "stdout", result.outputText());
        part(text, "stderr", result.errorText());
        if (result.truncated()) {
            text.append("\n[cut: only the first ").append(OUTPUT_LIMIT).append(" bytes of a stream are kept]");
        }
        return text.toString();
    }

    private static String ending(Execution.Result result) {
        return switch (result.end()) {
            case EXITED -> "exit code " + result.exitCode();
            case TIMED_OUT -> "killed: the time was up after " + result.took().toSeconds() + " s";
            case KILLED -> "killed: it was interrupted";
            case LOST -> "lost: the sandbox went down; the command may have run in part";
        };
    }

    private static void part(StringBuilder text, String name, String content) {
        if (!content.isEmpty()) {
            text.append("\n--- ").append(name).append('\n').append(content);
        }
    }

    private static ToolResult read(ReadFile input, ToolCall call) {
        Optional<byte[]> bytes = call.sandbox().read(input.path(), LARGEST_FILE);
        return bytes.map(found -> lines(found, input))
                .orElseGet(() -> ToolResult.error("no such file: " + input.path()));
    }

    private static ToolResult lines(byte[] bytes, ReadFile input) {
        int offset = input.offset() == null ? 1 : input.offset();
        int limit = input.limit() == null ? LINES : input.limit();
        if (offset < 1 || limit < 1) {
            throw new IllegalArgumentException("offset and limit are at least 1, but are " + offset + " and " + limit);
        }
        String text = new String(bytes, StandardCharsets.UTF_8);
        List<String> chosen = text.lines().skip(offset - 1L).limit(limit + 1L).toList();
        if (offset == 1 && chosen.size() <= limit && bytes.length < LARGEST_FILE) {
            return ToolResult.of(text);
        }
        String shown = chosen.stream().limit(limit).collect(Collectors.joining("\n"));
        boolean more = chosen.size() > limit || bytes.length == LARGEST_FILE;
        return ToolResult.of(more ? shown + "\n[more lines from " + (offset + (long) limit) + "]" : shown);
    }

    private static String write(WriteFile input, ToolCall call) {
        byte[] bytes = input.content().getBytes(StandardCharsets.UTF_8);
        call.sandbox().write(input.path(), bytes);
        return "wrote " + bytes.length + " bytes to " + input.path();
    }

    private static String list(ListFiles input, ToolCall call) {
        String folder = input.path() == null ? "" : input.path();
        List<Sandbox.Entry> entries = call.sandbox().list(folder);
        return entries.isEmpty()
                ? "empty, or no such folder"
                : entries.stream()
                        .map(entry -> entry.folder() ? entry.name() + "/" : entry.name() + "  " + entry.size())
                        .collect(Collectors.joining("\n"));
    }
}
