package dev.perdure.internal.sandbox;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * A folder that is held open. All that is done in it is relative to it (openat, renameat) and follows no link, so a command
 * that swaps a folder for a link meanwhile leads nobody out of the workspace.
 */
final class Directory implements Closeable {
    private final SecureDirectoryStream<Path> stream;
    private final String name;

    private Directory(SecureDirectoryStream<Path> stream, String name) {
        this.stream = stream;
        this.name = name;
    }

    /** @param path whose folders no command can change */
    @SuppressWarnings("StreamResourceLeak") // held open until close()
    static Directory trusted(Path path) throws IOException {
        DirectoryStream<Path> stream = Files.newDirectoryStream(path);
        if (stream instanceof SecureDirectoryStream<Path> secure) {
            return new Directory(secure, "");
        }
        stream.close();
        return new Directory(PlainDirectory.open(path), "");
    }

    /** The folder {@code child}, or empty when there is nothing of that name. */
    Optional<Directory> find(String child) throws IOException {
        Optional<PosixFileAttributes> attributes = attributes(child);
        if (attributes.isEmpty()) {
            return Optional.empty();
        }
        requireNoLink(child, attributes.get());
        if (!attributes.get().isDirectory()) {
            throw Io.refused("no folder: \"" + path(child) + "\"");
        }
        return Optional.of(enter(child));
    }

    private Directory enter(String child) throws IOException {
        try {
            return new Directory(stream.newDirectoryStream(Path.of(child), LinkOption.NOFOLLOW_LINKS), path(child));
        } catch (NoSuchFileException e) {
            throw e;
        } catch (FileSystemException e) {
            // A link since we looked: the open itself refuses it.
            attributes(child).ifPresent(now -> requireNoLink(child, now));
            throw e;
        }
    }

    /** The folder {@code child}, made when it is not there: elsewhere, and moved here, for there is no mkdirat in Java. */
    Directory make(String child, Path staged) throws IOException {
        Optional<Directory> there = find(child);
        if (there.isPresent()) {
            return there.get();
        }
        Files.createDirectory(staged);
        try (Directory staging = trusted(Objects.requireNonNull(staged.getParent()))) {
            staging.stream.move(staged.getFileName(), stream, Path.of(child));
        } catch (FileSystemException e) {
            // Somebody else made it, and filled it.
            Files.deleteIfExists(staged);
        }
        return find(child).orElseThrow(() -> new NoSuchFileException(path(child)));
    }

    /** Moves a finished file here, over a file of that name. */
    void place(Path staged, String child) throws IOException {
        Optional<PosixFileAttributes> there = attributes(child);
        if (there.isPresent()) {
            requireNoLink(child, there.get());
            if (there.get().isDirectory()) {
                throw Io.refused("this is a folder: \"" + path(child) + "\"");
            }
            Files.setPosixFilePermissions(staged, there.get().permissions());
        }
        try (Directory staging = trusted(Objects.requireNonNull(staged.getParent()))) {
            staging.stream.move(staged.getFileName(), stream, Path.of(child));
        }
    }

    /** The bytes of a regular file; the caller closes it. */
    InputStream read(String child) throws IOException {
        PosixFileAttributes attributes = attributes(child).orElseThrow(() -> new NoSuchFileException(path(child)));
        requireNoLink(child, attributes);
        // Opening a pipe would wait for its writer.
        if (!attributes.isRegularFile()) {
            throw Io.refused("no regular file: \"" + path(child) + "\"");
        }
        return Channels.newInputStream(
                stream.newByteChannel(Path.of(child), Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)));
    }

    /** Names of what is in here, in order. Once only. */
    List<String> names() {
        List<String> names = new ArrayList<>();
        for (Path entry : stream) {
            names.add(entry.getFileName().toString());
        }
        names.sort(null);
        return names;
    }

    /** Of the entry itself, not of what a link points to. */
    Optional<PosixFileAttributes> attributes(String child) throws IOException {
        try {
            return Optional.of(
                    stream.getFileAttributeView(Path.of(child), PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                            .readAttributes());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** The same under another name in messages. */
    Directory renamed(String other) {
        return new Directory(stream, other);
    }

    String path(String child) {
        return name.isEmpty() ? child : name + "/" + child;
    }

    private void requireNoLink(String child, BasicFileAttributes attributes) {
        if (attributes.isSymbolicLink()) {
            throw new IllegalArgumentException(
                    "a link, and links are not followed here because they may lead out of the workspace: \""
                            + path(child) + "\"");
        }
    }

    @Override
    public void close() throws IOException {
        stream.close();
    }
}
