package dev.perdure.examples.review;

import dev.perdure.session.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;

/**
 * A stand-in for an issue tracker: an effect outside of the session's log, that nobody can take back. Like a good tracker it takes an idempotency key and
 * collapses repeats of it. Thread-safe, also between processes.
 */
public final class Findings {
    private final Path file;

    public Findings(Path file) {
        this.file = file;
    }

    /** One line of the ledger. */
    public record Entry(String id, String key, String text) {}

    /** On disk when it returns. */
    public synchronized String add(String key, String text) throws IOException {
        try (FileChannel channel = FileChannel.open(
                        file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
                FileLock lock = channel.lock()) {
            List<Entry> entries = entries();
            Optional<Entry> before =
                    entries.stream().filter(entry -> entry.key().equals(key)).findFirst();
            if (before.isPresent() && lock.isValid()) {
                return before.get().id() + " was filed before";
            }
            Entry entry = new Entry("F-" + (entries.size() + 1), key, text);
            channel.write(ByteBuffer.wrap((Json.of(entry).text() + "\n").getBytes(StandardCharsets.UTF_8)));
            channel.force(true);
            return entry.id() + " filed";
        }
    }

    /** All lines, oldest first. */
    public List<Entry> entries() throws IOException {
        if (Files.notExists(file)) {
            return List.of();
        }
        return Files.readAllLines(file).stream()
                .map(line -> Json.parse(line).as(Entry.class))
                .toList();
    }
}
