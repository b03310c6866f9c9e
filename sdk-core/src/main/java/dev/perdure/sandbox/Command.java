package dev.perdure.sandbox;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** A command to run in a {@link Sandbox}. Immutable. */
public final class Command {
    private final String id;
    private final List<String> words;
    private final Map<String, String> environment;
    private final String folder;
    private final byte[] input;
    private final Duration timeout;
    private final int outputLimit;

    private Command(
            String id,
            List<String> words,
            Map<String, String> environment,
            String folder,
            byte[] input,
            Duration timeout,
            int outputLimit) {
        this.id = id;
        this.words = words;
        this.environment = environment;
        this.folder = folder;
        this.input = input;
        this.timeout = timeout;
        this.outputLimit = outputLimit;
    }

    /** A program and its arguments, without a shell. At most 5 minutes, 1 MiB of output kept. */
    public static Command of(String... words) {
        if (words.length == 0) {
            throw new IllegalArgumentException("a command has at least one word");
        }
        return new Command(
                UUID.randomUUID().toString(),
                List.of(words),
                Map.of(),
                "",
                new byte[0],
                Duration.ofMinutes(5),
                1 << 20);
    }

    /** A line for {@code sh -c}. */
    public static Command shell(String line) {
        return of("sh", "-c", line);
    }

    /** @param value names the execution: a second start with the same id starts nothing; 1 to 200 characters */
    public Command id(String value) {
        if (value.isEmpty() || value.length() > 200) {
            throw new IllegalArgumentException("a command's id has 1 to 200 characters: \"" + value + "\"");
        }
        return new Command(value, words, environment, folder, input, timeout, outputLimit);
    }

    /**
     * One more variable of the environment, which else holds only {@code PATH}, {@code HOME}, {@code LANG}, {@code TMPDIR} and names
     * that begin with {@code PERDURE_}. A name that no shell could set is refused by {@link Sandbox#start}.
     */
    public Command env(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(environment);
        more.put(name, value);
        return new Command(id, words, Map.copyOf(more), folder, input, timeout, outputLimit);
    }

    /** The folder to run in, relative to the workspace. Default: the workspace itself. */
    public Command folder(String value) {
        return new Command(id, words, environment, value, input, timeout, outputLimit);
    }

    /** What the command reads from its standard input, which then ends. Default: nothing. */
    public Command input(byte[] value) {
        return new Command(id, words, environment, folder, value.clone(), timeout, outputLimit);
    }

    /** The command and all it started are killed after this. Counted by the sandbox: it holds when the caller dies. */
    public Command timeout(Duration value) {
        if (value.toMillis() < 1) {
            throw new IllegalArgumentException("a timeout is at least 1 ms, but this is " + value);
        }
        return new Command(id, words, environment, folder, input, value, outputLimit);
    }

    /** Most bytes to keep of standard output, and of standard error; the rest is dropped, the command goes on. */
    public Command outputLimit(int value) {
        if (value < 1) {
            throw new IllegalArgumentException("an output limit is at least 1 byte, but this is " + value);
        }
        return new Command(id, words, environment, folder, input, timeout, value);
    }

    public String id() {
        return id;
    }

    public List<String> words() {
        return words;
    }

    public Map<String, String> environment() {
        return environment;
    }

    public String folder() {
        return folder;
    }

    public byte[] input() {
        return input.clone();
    }

    public Duration timeout() {
        return timeout;
    }

    public int outputLimit() {
        return outputLimit;
    }

    /** The id alone: words and environment may hold secrets. */
    @Override
    public String toString() {
        return "Command[" + id + "]";
    }
}
