package dev.perdure.internal.sandbox;

import dev.perdure.sandbox.Execution.Result;
import dev.perdure.sandbox.Execution.Result.End;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the runner of an execution has written. */
final class Records {
    // The pipes hold 64 KiB: what is not out of them by now has nobody to take it out.
    private static final Duration DRAINED = Duration.ofSeconds(5);

    private final Path folder;
    private final Facts facts;

    private Records(Path folder, Facts facts) {
        this.folder = folder;
        this.facts = facts;
    }

    static Records of(Path folder) throws IOException {
        return new Records(folder, Facts.of(folder));
    }

    Facts facts() {
        return facts;
    }

    /** How it ended: as the runner recorded it, or LOST when the runner is no more and did not. */
    Optional<Ended> findEnd() throws IOException {
        Optional<Ended> recorded = recorded();
        if (recorded.isPresent() || alive()) {
            return recorded;
        }
        // It may have written between our two looks.
        Optional<Ended> last = recorded();
        return last.isPresent() ? last : Optional.of(Ended.LOST);
    }

    /** As {@link #findEnd}, with all that came out; empty while that is still in the pipes. */
    Optional<Result> findResult(boolean lookForRunner) throws IOException {
        Optional<Ended> end = lookForRunner ? findEnd() : recorded();
        if (end.isEmpty()) {
            return Optional.empty();
        }
        if (end.get().how() == End.LOST) {
            // What the runner started may have survived it.
            Commands.sweep(facts.cookie());
        }
        return result(end.get());
    }

    /** The process that runs the command; empty when none has begun to. */
    Optional<Birth> findRunner() throws IOException {
        String line = text("started");
        return line == null ? Optional.empty() : Optional.of(Birth.parse(line));
    }

    /**
     * Whether the command may have run. Where a runner was to start before the machine went down, its record may be lost: then it
     * counts as started.
     */
    boolean started() throws IOException {
        return findRunner().isPresent() || !facts.host().equals(Birth.here());
    }

    private boolean alive() throws IOException {
        Optional<Birth> runner = findRunner();
        return runner.isPresent() && runner.get().alive();
    }

    private Optional<Ended> recorded() throws IOException {
        String line = text("end");
        return line == null || !line.endsWith(".\n") ? Optional.empty() : Optional.of(Ended.parse(line));
    }

    private Optional<Result> result(Ended end) throws IOException {
        boolean whole = end.how() != End.LOST && !longAgo();
        Optional<Output> out = output("out", whole);
        Optional<Output> err = output("err", whole);
        if (out.isEmpty() || err.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Result(
                end.how(),
                end.code(),
                out.get().bytes(),
                err.get().bytes(),
                out.get().truncated() || err.get().truncated(),
                took()));
    }

    private Optional<Output> output(String name, boolean whole) throws IOException {
        Optional<Output> complete = Output.complete(folder.resolve(name), facts.limit(), facts.mark());
        return complete.isPresent() || whole ? complete : Optional.of(Output.rest(folder.resolve(name), facts.limit()));
    }

    private boolean longAgo() throws IOException {
        return modified("end").plus(DRAINED).isBefore(Instant.now());
    }

    private Duration took() throws IOException {
        Path last = Files.exists(folder.resolve("end")) ? folder.resolve("end") : folder.resolve("out");
        if (!Files.exists(last) || !Files.exists(folder.resolve("started"))) {
            return Duration.ZERO;
        }
        Duration took = Duration.between(
                modified("started"), modified(last.getFileName().toString()));
        return took.isNegative() ? Duration.ZERO : took;
    }

    private Instant modified(String name) throws IOException {
        return Files.getLastModifiedTime(folder.resolve(name)).toInstant();
    }

    private @Nullable String text(String name) throws IOException {
        try {
            return Files.readString(folder.resolve(name));
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    /** The end of a command. */
    record Ended(End how, int code) {
        static final Ended LOST = new Ended(End.LOST, -1);

        static Ended parse(String line) {
            String[] words = line.substring(0, line.length() - 2).split(" ", -1);
            return words[0].equals("LOST") ? LOST : new Ended(End.valueOf(words[0]), Integer.parseInt(words[1]));
        }
    }
}
