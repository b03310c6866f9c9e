package dev.perdure.internal.sandbox;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLockInterruptionException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Exclusion between all users of a sandbox's files: by a lock of this JVM between its threads, by a lock of the operating system
 * between JVMs, which ends with its holder. Held for milliseconds: to compare a fence and do one step under it.
 */
final class Locks {
    // Bounded: a folder of sandboxes has STRIPES lock files, shared by its sandboxes, so that none is left behind by
    // one.
    private static final int STRIPES = 64;
    private static final ConcurrentMap<Path, ReentrantLock> HERE = new ConcurrentHashMap<>();

    private Locks() {}

    /** The lock file of a sandbox, outside of its folder so that it can be held while the folder is made or removed. */
    static Path file(Path folder, String name) throws IOException {
        Path locks = Files.createDirectories(folder.resolve(".locks"));
        return locks.resolve(Integer.toString(Math.floorMod(name.hashCode(), STRIPES)));
    }

    static <T extends @Nullable Object> T hold(Path file, Io.Action<T> action) throws IOException {
        ReentrantLock here = HERE.computeIfAbsent(file.toAbsolutePath().normalize(), path -> new ReentrantLock());
        // An interrupted thread cannot use channels, but must be able to kill a command.
        boolean interrupted = Thread.interrupted();
        here.lock();
        try {
            return holdBetweenProcesses(file, action);
        } finally {
            here.unlock();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static <T extends @Nullable Object> T holdBetweenProcesses(Path file, Io.Action<T> action)
            throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                try (FileChannel channel =
                        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                    if (lock(channel)) {
                        return action.run();
                    }
                    interrupted |= Thread.interrupted();
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static boolean lock(FileChannel channel) throws IOException {
        try {
            channel.lock();
            return true;
        } catch (FileLockInterruptionException | ClosedByInterruptException e) {
            return false;
        }
    }
}
