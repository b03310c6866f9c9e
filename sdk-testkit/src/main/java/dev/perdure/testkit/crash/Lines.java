package dev.perdure.testkit.crash;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A file of lines that processes append to, each line in one write. A process that dies may leave half a line: so a line ends with a mark,
 * begins on a new line, and only whole ones are read. Thread-safe.
 */
final class Lines implements AutoCloseable {
    private static final String END = "\t.";

    // Not a channel: an interrupt of a writing thread would close that for all.
    private final FileOutputStream file;
    // Held across the write: a line must not be cut by another thread's.
    private final ReentrantLock lock = new ReentrantLock();

    Lines(Path path) {
        try {
            Files.createDirectories(path.toAbsolutePath().getParent());
            this.file = new FileOutputStream(path.toFile(), true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Appends a line; it survives the death of this process when this returns. */
    void add(Object... fields) {
        write(false, fields);
    }

    /** Appends a line; it survives the loss of power when this returns. */
    void addSynced(Object... fields) {
        write(true, fields);
    }

    private void write(boolean sync, Object... fields) {
        List<String> texts = new ArrayList<>();
        for (Object field : fields) {
            texts.add(String.valueOf(field).replaceAll("[\t\r\n]", " "));
        }
        byte[] line = ("\n" + String.join("\t", texts) + END + "\n").getBytes(StandardCharsets.UTF_8);
        lock.lock();
        try {
            file.write(line);
            if (sync) {
                file.getFD().sync();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            lock.unlock();
        }
    }

    static List<List<String>> read(Path file) {
        try {
            return Files.exists(file) ? parse(Files.readString(file)) : List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<List<String>> parse(String text) {
        return text.lines()
                .filter(line -> line.endsWith(END))
                .map(line ->
                        List.of(line.substring(0, line.length() - END.length()).split("\t", -1)))
                .toList();
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
