package dev.perdure.session.jdbc;

import dev.perdure.session.WorkerId;
import dev.perdure.spi.StoreException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Each worker holds an OS lock on a file of its own beside the database. The kernel drops it when the process dies, however it
 * dies, so that an unlocked or missing file means a dead worker.
 */
final class WorkerFiles implements Liveness {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerFiles.class);
    private static final Pattern PLAIN = Pattern.compile("[a-z0-9-]{1,64}");
    private static final int TRIES = 10;

    /**
     * Files that this JVM has locked, and by how many stores. A POSIX lock belongs to the process, and closing any channel on the file
     * drops it: so none of these is ever opened again, and {@link #LOCK} is held while a file is looked at.
     */
    private static final Map<Path, Integer> OWN = new HashMap<>();

    /** Locks outlive the store that took them while another store of this JVM has the same worker. */
    private static final Map<Path, Taken> TAKEN = new HashMap<>();

    private static final ReentrantLock LOCK = new ReentrantLock();

    private final Path folder;
    private final Set<Path> held = new HashSet<>();

    /**
     * A file that is locked for as long as its channel is open.
     *
     * @param fileKey what the file is, whatever its name; null where the file system does not say
     */
    private record Taken(FileChannel channel, @Nullable Object fileKey) {}

    WorkerFiles(Path folder) {
        this.folder = folder;
    }

    @Override
    public void enlist(WorkerId worker) {
        LOCK.lock();
        try {
            Path file = file(worker);
            if (!held.contains(file)) {
                take(file);
                held.add(file);
            }
            if (!isInPlace(file)) {
                remake(file);
            }
        } catch (IOException e) {
            throw StoreException.unusable(
                    "the folder of worker locks " + folder + " cannot be written; make it writable for this process",
                    null,
                    e);
        } finally {
            LOCK.unlock();
        }
    }

    @Override
    public boolean isDead(WorkerId worker) {
        LOCK.lock();
        try {
            return unlocked(file(worker));
        } catch (IOException e) {
            LOG.debug("worker {}: its lock cannot be looked at, so its lease decides", worker, e);
            return false;
        } finally {
            LOCK.unlock();
        }
    }

    /** Removes what dead workers left behind. */
    void sweep() {
        LOCK.lock();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.{lock,tmp}")) {
            for (Path file : files) {
                removeIfUnlocked(file);
            }
        } catch (NoSuchFileException e) {
            LOG.trace("no worker has claimed anything here yet");
        } catch (IOException e) {
            LOG.debug("worker locks in {} cannot be swept", folder, e);
        } finally {
            LOCK.unlock();
        }
    }

    @Override
    public void close() {
        LOCK.lock();
        try {
            held.forEach(WorkerFiles::release);
            held.clear();
        } finally {
            LOCK.unlock();
        }
        sweep();
    }

    private Path file(WorkerId worker) {
        String name = PLAIN.matcher(worker.value()).matches() ? worker.value() : "_" + Hashes.hex(worker.value());
        return folder.resolve(name + ".lock");
    }

    private void take(Path file) throws IOException {
        if (OWN.merge(file, 1, Integer::sum) == 1) {
            try {
                Files.createDirectories(folder);
                TAKEN.put(file, create(file));
            } catch (IOException | RuntimeException e) {
                OWN.remove(file);
                throw e;
            }
        }
    }

    /** Whether others see the lock at its place: cleaners of old files and restores of backups do not ask whose file it is. */
    private static boolean isInPlace(Path file) throws IOException {
        Taken taken = TAKEN.get(file);
        try {
            return taken != null && Objects.equals(fileKey(file), taken.fileKey());
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private static @Nullable Object fileKey(Path file) throws IOException {
        return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    }

    private void remake(Path file) throws IOException {
        Files.createDirectories(folder);
        Taken old = TAKEN.put(file, create(file));
        LOG.warn(
                "worker lock {} was removed by somebody and is made again; until now its worker was taken for dead",
                file);
        if (old != null) {
            old.channel().close();
        }
    }

    /** Locked before it has its name, so that nobody sees it unlocked. A sweeper may remove it before: then once more. */
    private Taken create(Path file) throws IOException {
        for (int i = 1; ; i++) {
            Path draft = folder.resolve(UUID.randomUUID() + ".tmp");
            FileChannel channel = FileChannel.open(draft, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            try {
                if (channel.tryLock() != null) {
                    Taken made = new Taken(channel, fileKey(draft));
                    Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
                    return made;
                }
            } catch (IOException e) {
                if (i == TRIES) {
                    channel.close();
                    throw e;
                }
            }
            channel.close();
            if (i == TRIES) {
                throw new IOException("no lock on " + draft);
            }
        }
    }

    private static void release(Path file) {
        if (OWN.merge(file, -1, Integer::sum) > 0) {
            return;
        }
        OWN.remove(file);
        Taken taken = TAKEN.remove(file);
        try {
            Files.deleteIfExists(file);
            if (taken != null) {
                taken.channel().close();
            }
        } catch (IOException e) {
            LOG.debug("worker lock {} is left behind", file, e);
        }
    }

    private static boolean unlocked(Path file) throws IOException {
        if (OWN.containsKey(file)) {
            return false;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
                FileLock lock = channel.tryLock()) {
            return lock != null;
        } catch (NoSuchFileException e) {
            return true;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    private static void removeIfUnlocked(Path file) throws IOException {
        if (OWN.containsKey(file)) {
            return;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
                FileLock lock = channel.tryLock()) {
            if (lock != null) {
                Files.deleteIfExists(file);
            }
        } catch (NoSuchFileException | OverlappingFileLockException e) {
            LOG.trace("worker lock {} is gone or taken", file);
        }
    }
}
