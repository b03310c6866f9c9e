package dev.perdure.internal.sandbox;

import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.util.Iterator;
import java.util.Set;

/**
 * Stands in where Java has no folders held open (macOS): by paths, so a link that appears between check and use is followed. Nothing
 * is lost by that: there is no bubblewrap there either, and a command can reach all that this JVM's user can.
 */
final class PlainDirectory implements SecureDirectoryStream<Path> {
    private final Path path;
    private final DirectoryStream<Path> entries;

    private PlainDirectory(Path path, DirectoryStream<Path> entries) {
        this.path = path;
        this.entries = entries;
    }

    @SuppressWarnings({"resource", "StreamResourceLeak"}) // held open until close()
    static PlainDirectory open(Path path) throws IOException {
        return new PlainDirectory(path, Files.newDirectoryStream(path));
    }

    @Override
    public SecureDirectoryStream<Path> newDirectoryStream(Path name, LinkOption... options) throws IOException {
        Path child = path.resolve(name);
        if (!Files.isDirectory(child, options)) {
            throw new NotDirectoryException(child.toString());
        }
        return open(child);
    }

    @Override
    public SeekableByteChannel newByteChannel(
            Path name, Set<? extends OpenOption> options, FileAttribute<?>... attributes) throws IOException {
        return Files.newByteChannel(path.resolve(name), options, attributes);
    }

    @Override
    public void deleteFile(Path name) throws IOException {
        Files.delete(path.resolve(name));
    }

    @Override
    public void deleteDirectory(Path name) throws IOException {
        Files.delete(path.resolve(name));
    }

    @Override
    public void move(Path from, SecureDirectoryStream<Path> folder, Path to) throws IOException {
        Files.move(path.resolve(from), ((PlainDirectory) folder).path.resolve(to), StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public <V extends FileAttributeView> V getFileAttributeView(Class<V> type) {
        return Files.getFileAttributeView(path, type);
    }

    @Override
    public <V extends FileAttributeView> V getFileAttributeView(Path name, Class<V> type, LinkOption... options) {
        return Files.getFileAttributeView(path.resolve(name), type, options);
    }

    @Override
    public Iterator<Path> iterator() {
        return entries.iterator();
    }

    @Override
    public void close() throws IOException {
        entries.close();
    }
}
