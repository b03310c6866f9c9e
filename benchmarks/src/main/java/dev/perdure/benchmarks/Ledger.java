package dev.perdure.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * The outside of a tool that must not take effect twice: a file with a line for each effect and for each key that was made unusable. Several processes may
 * use it, each by one instance.
 */
final class Ledger {
    private static final String DONE = "done ";
    private static final String REVOKED = "revoked ";

    private final Path file;

    Ledger(Path file) {
        this.file = file;
    }

    /** Takes effect for {@code call}, unless the key was revoked: then false. */
    boolean perform(String key, String call) throws IOException {
        return write(REVOKED + key, DONE + key + " " + call);
    }

    /** Makes the key unusable, unless it took effect: then false. */
    boolean revoke(String key) throws IOException {
        return write(DONE + key, REVOKED + key);
    }

    /** The calls of all effects, in order; one that took effect twice is there twice. */
    List<String> effects() throws IOException {
        try (FileChannel channel = open()) {
            return lines(channel).stream()
                    .filter(line -> line.startsWith(DONE))
                    .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                    .toList();
        }
    }

    /** By one channel, because to close another one of the same file would let go of the lock. */
    private synchronized boolean write(String unless, String line) throws IOException {
        try (FileChannel channel = open();
                FileLock lock = channel.lock()) {
            boolean free = lock.isValid()
                    && lines(channel).stream()
                            .noneMatch(there -> there.equals(unless) || there.startsWith(unless + " "));
            if (free) {
                channel.write(UTF_8.encode(line + "\n"), channel.size());
                channel.force(false);
            }
            return free;
        }
    }

    private FileChannel open() throws IOException {
        return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    private static List<String> lines(FileChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate((int) channel.size());
        channel.read(bytes, 0);
        return UTF_8.decode(bytes.flip()).toString().lines().toList();
    }
}
