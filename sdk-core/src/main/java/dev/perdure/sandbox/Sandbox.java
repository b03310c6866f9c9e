package dev.perdure.sandbox;

import dev.perdure.session.Json;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A place where commands run, with files of its own. Thread-safe. Paths are relative to its workspace; one that leads outside is
 * refused with an {@link IllegalArgumentException}, also when it does so by a link. All methods throw {@link SandboxException} when the
 * sandbox cannot be reached or is gone; those that change something also when a holder with a higher fence was there.
 */
public interface Sandbox extends AutoCloseable {
    /** Finds this sandbox again from another process; no secret in it. */
    Json handle();

    /**
     * Starts a command and returns at once. A command whose {@linkplain Command#id() id} was started before in this sandbox is not
     * started again: its execution is returned, running or ended, so that a command runs at most once.
     */
    Execution start(Command command);

    /** An execution that was started before, perhaps by another process. */
    Optional<Execution> attach(String executionId);

    /** Makes or replaces a file and the folders above it. */
    void write(String path, byte[] content);

    /**
     * The bytes of a file; empty when there is no file of that name.
     *
     * @param limit most bytes to return, from the start of the file
     */
    Optional<byte[]> read(String path, long limit);

    /** What is directly in a folder, by name; empty when there is no such folder. */
    List<Entry> list(String folder);

    /** Copies a folder of this machine into the workspace, over what is there. */
    void upload(Path from, String to);

    /** Copies a folder of the workspace to this machine, over what is there. */
    void download(String from, Path to);

    /** Writes the whole workspace to {@code out}, for {@link #restore}. */
    void save(OutputStream out);

    /** Replaces the whole workspace by one that was {@linkplain #save saved}. */
    void restore(InputStream in);

    /** Keeps an idle sandbox from being taken away. */
    void renew();

    /** Ends all commands and removes the sandbox with its files. Safe to repeat. */
    @Override
    void close();

    /**
     * One entry of a folder.
     *
     * @param size in bytes; 0 for a folder
     */
    record Entry(String name, boolean folder, long size) {}
}
