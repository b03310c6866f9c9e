package dev.perdure.session.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.WorkerId;
import dev.perdure.spi.StoreException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkerFilesTest {
    private final WorkerId ann = WorkerId.random();

    @TempDir
    Path parent;

    private Path folder;

    @BeforeEach
    void name() {
        folder = parent.resolve("s.db-workers");
    }

    @Test
    void worker_isAlive_fromItsEnlisting_untilTheCloseOfItsStore() {
        WorkerFiles own = new WorkerFiles(folder);
        WorkerFiles other = new WorkerFiles(folder);
        assertThat(other.isDead(ann)).isTrue();
        own.enlist(ann);
        own.enlist(ann);
        assertThat(own.isDead(ann)).isFalse();
        assertThat(other.isDead(ann)).isFalse();
        own.close();
        assertThat(other.isDead(ann)).isTrue();
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void worker_ofTwoStoresOfOneProcess_livesAsLongAsOneOfThem() {
        WorkerFiles first = new WorkerFiles(folder);
        WorkerFiles second = new WorkerFiles(folder);
        first.enlist(ann);
        second.enlist(ann);
        first.close();
        assertThat(second.isDead(ann)).isFalse();
        second.close();
        assertThat(first.isDead(ann)).isTrue();
    }

    @Test
    void sweep_removesWhatDeadWorkersLeft_andNothingElse() throws IOException {
        WorkerFiles own = new WorkerFiles(folder);
        own.enlist(ann);
        Files.createFile(folder.resolve("dead.lock"));
        Files.createFile(folder.resolve("half-made.tmp"));
        Files.createFile(folder.resolve("notes.txt"));

        new WorkerFiles(folder).sweep();

        assertThat(folder.toFile().list()).containsExactlyInAnyOrder(ann + ".lock", "notes.txt");
        own.close();
    }

    @Test
    void anyWorkerName_hasAFile() {
        WorkerFiles own = new WorkerFiles(folder);
        for (String name : new String[] {"../../etc", "A", "a", "n\u00e4me with / and \\", "x".repeat(100)}) {
            own.enlist(new WorkerId(name));
            assertThat(own.isDead(new WorkerId(name))).isFalse();
        }
        assertThat(folder.toFile().list()).hasSize(5);
        own.close();
        assertThat(folder).isEmptyDirectory();
    }

    /** To other processes a worker without its file is dead: they would take its sessions for as long as it lives. */
    @Test
    void fileThatSomebodyRemoved_isThereAgain_afterTheNextEnlisting() throws IOException {
        WorkerFiles own = new WorkerFiles(folder);
        WorkerFiles second = new WorkerFiles(folder);
        own.enlist(ann);
        Path file = folder.resolve(ann + ".lock");
        Files.delete(file);
        Files.delete(folder);

        second.enlist(ann);
        assertLocked(file);

        Files.delete(file);
        own.enlist(ann);
        assertLocked(file);
        own.close();
        second.close();
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void fileThatSomebodyReplaced_isTheLockedOneAgain_afterTheNextEnlisting() throws IOException {
        WorkerFiles own = new WorkerFiles(folder);
        own.enlist(ann);
        Path file = folder.resolve(ann + ".lock");
        Files.delete(file);
        Files.createFile(file);

        own.enlist(ann);

        assertLocked(file);
        own.close();
        assertThat(folder).isEmptyDirectory();
    }

    /** The JVM knows its own locks by the file, not by its name. Closing the channel drops the lock, which nobody needs any more. */
    private static void assertLocked(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            assertThatThrownBy(channel::tryLock).isInstanceOf(OverlappingFileLockException.class);
        }
    }

    @Test
    void folderThatCannotBeMade_isNamed() throws IOException {
        Files.createFile(folder);
        WorkerFiles own = new WorkerFiles(folder);

        assertThatThrownBy(() -> own.enlist(ann))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining(folder.toString())
                .hasMessageContaining("writable");
        own.close();
    }
}
