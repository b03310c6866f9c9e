package dev.perdure.testkit.crash;

import dev.perdure.session.CallId;
import dev.perdure.session.Effect;
import dev.perdure.session.SessionId;
import dev.perdure.tool.ToolCall;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/**
 * The world outside of the sessions: what tools did to it, in a file, one synced line for each effect. It takes an effect as often as it comes,
 * so that a repeat can be seen; only a revoked attempt is refused. Atomic across threads and processes.
 */
public final class EffectLedger implements AutoCloseable {
    private final Lines lines;
    private final FileChannel file;
    // One thread of its own for all work: an interrupted tool would close the channel for all, and the file's lock is
    // one per process.
    private final ExecutorService thread = Executors.newSingleThreadExecutor(EffectLedger::daemon);
    private final List<Entry> entries = new ArrayList<>();
    private final Map<String, Integer> revoked = new HashMap<>();
    private long offset;

    private EffectLedger(Path path) throws IOException {
        this.lines = new Lines(path);
        this.file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    /** The ledger in this file, which is made if it is missing. */
    public static EffectLedger open(Path file) {
        try {
            return new EffectLedger(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Something that happened outside.
     *
     * @param intent number of the {@code ToolStarted} that its tool saw in the log before; 0 when there was none
     */
    public record Entry(
            SessionId session,
            CallId call,
            String key,
            int attempt,
            Effect effect,
            long intent,
            long pid,
            Instant at) {}

    /** Makes an effect happen; false when this attempt was revoked, and nothing happened. */
    public boolean perform(Effect effect, ToolCall call, long intent) {
        return locked(() -> {
            if (revoked.getOrDefault(call.idempotencyKey(), 0) >= call.attempt()) {
                return false;
            }
            lines.addSynced(
                    "effect",
                    call.session().tenant().value(),
                    call.session().name(),
                    call.id(),
                    call.idempotencyKey(),
                    call.attempt(),
                    effect,
                    intent,
                    ProcessHandle.current().pid(),
                    Instant.now());
            return true;
        });
    }

    /** The first effect under this key. */
    public Optional<Entry> find(String key) {
        return locked(() -> first(key));
    }

    /**
     * Makes sure that no attempt up to this one takes effect any more.
     *
     * @return the effect that happened before; empty when none did, nor will
     */
    public Optional<Entry> revoke(String key, int attempt) {
        return locked(() -> {
            Optional<Entry> done = first(key);
            if (done.isEmpty()) {
                lines.addSynced("revoke", key, attempt);
            }
            return done;
        });
    }

    /** Everything that happened, in order, repeats included. */
    public List<Entry> entries() {
        return locked(() -> List.copyOf(entries));
    }

    private Optional<Entry> first(String key) {
        return entries.stream().filter(entry -> entry.key().equals(key)).findFirst();
    }

    private <T> T locked(Supplier<T> work) {
        return CompletableFuture.supplyAsync(() -> lockedHere(work), thread).join();
    }

    private <T> T lockedHere(Supplier<T> work) {
        try (FileLock held = file.lock()) {
            Objects.requireNonNull(held);
            catchUp();
            return work.get();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work, "effect-ledger");
        thread.setDaemon(true);
        return thread;
    }

    private void catchUp() throws IOException {
        ByteBuffer more = ByteBuffer.allocate((int) (file.size() - offset));
        int read = 0;
        while (more.hasRemaining() && read >= 0) {
            read = file.read(more, offset + more.position());
        }
        offset += more.position();
        Lines.parse(new String(more.array(), 0, more.position(), StandardCharsets.UTF_8))
                .forEach(this::learn);
    }

    private void learn(List<String> line) {
        if (line.get(0).equals("revoke")) {
            revoked.merge(line.get(1), Integer.valueOf(line.get(2)), Math::max);
        } else {
            entries.add(new Entry(
                    SessionId.of(line.get(1), line.get(2)),
                    new CallId(line.get(3)),
                    line.get(4),
                    Integer.parseInt(line.get(5)),
                    Effect.valueOf(line.get(6)),
                    Long.parseLong(line.get(7)),
                    Long.parseLong(line.get(8)),
                    Instant.parse(line.get(9))));
        }
    }

    @Override
    public void close() {
        thread.shutdown();
        lines.close();
        try {
            file.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
