package dev.perdure.examples.review;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;

/** The folder to review. It is only ever read: the agent gets copies of its text files. */
public final class SourceFolder {
    private static final int MOST_FILES = 200;
    private static final long LARGEST_FILE = 256 << 10;

    private final Path path;

    private SourceFolder(Path path) {
        this.path = path;
    }

    /** @throws IllegalArgumentException when this is no folder that can be read; says why in one line */
    public static SourceFolder of(Path path) {
        if (Files.notExists(path)) {
            throw new IllegalArgumentException("no such folder: " + path);
        } else if (!Files.isDirectory(path)) {
            throw new IllegalArgumentException("not a folder: " + path);
        } else if (!Files.isReadable(path) || !Files.isExecutable(path)) {
            throw new IllegalArgumentException("cannot read folder: " + path);
        }
        return new SourceFolder(path.toAbsolutePath().normalize());
    }

    public Path path() {
        return path;
    }

    /**
     * Copies the text files: no hidden ones, none over 256 KB, at most 200. Names of the copies, relative, in order.
     *
     * @throws IllegalArgumentException when there is none
     */
    public List<Path> copyTo(Path target) throws IOException {
        List<Path> copied = new ArrayList<>();
        for (Path file : textFiles()) {
            Path copy = target.resolve(path.relativize(file).toString());
            Files.createDirectories(copy.getParent());
            Files.copy(file, copy);
            copied.add(path.relativize(file));
        }
        if (copied.isEmpty()) {
            throw new IllegalArgumentException("no text files in folder: " + path);
        }
        return copied;
    }

    private List<Path> textFiles() throws IOException {
        List<Path> files = new ArrayList<>();
        Files.walkFileTree(path, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                boolean wanted = folder.equals(path) || !hidden(folder);
                return wanted ? FileVisitResult.CONTINUE : FileVisitResult.SKIP_SUBTREE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (attributes.isRegularFile() && attributes.size() <= LARGEST_FILE && !hidden(file) && isText(file)) {
                    files.add(file);
                }
                return files.size() < MOST_FILES ? FileVisitResult.CONTINUE : FileVisitResult.TERMINATE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException unreadable) {
                return FileVisitResult.CONTINUE;
            }
        });
        return files.stream().sorted().toList();
    }

    private static boolean hidden(Path path) {
        return path.getFileName().toString().startsWith(".");
    }

    private static boolean isText(Path file) {
        try {
            return Files.readString(file).indexOf('\0') < 0;
        } catch (CharacterCodingException binary) {
            return false;
        } catch (IOException unreadable) {
            return false;
        }
    }
}
