package dev.perdure.internal.sandbox;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;

/** Whole folders: into a workspace and out of it. Links, pipes and devices are left out. */
final class Trees {
    // Each level of a walk through a workspace holds a folder open.
    private static final int DEEPEST = 200;

    private Trees() {}

    /** Sees each file and folder of a workspace before what is in it. */
    interface Visitor {
        void folder(String path) throws IOException;

        void file(String path, InputStream content, boolean executable) throws IOException;

        default void link(String path) throws IOException {}
    }

    static void walk(Directory folder, String prefix, Visitor visitor) throws IOException {
        walk(folder, prefix, 0, visitor);
    }

    private static void walk(Directory folder, String prefix, int depth, Visitor visitor) throws IOException {
        if (depth > DEEPEST) {
            throw Io.refused("folders are nested deeper than " + DEEPEST + ": \"" + prefix + "\"");
        }
        for (String name : folder.names()) {
            var attributes = folder.attributes(name);
            if (attributes.isPresent()) {
                visit(folder, name, prefix + name, attributes.get(), depth, visitor);
            }
        }
    }

    private static void visit(
            Directory folder, String name, String path, PosixFileAttributes attributes, int depth, Visitor visitor)
            throws IOException {
        if (attributes.isDirectory()) {
            visitor.folder(path);
            try (Directory child = folder.find(name).orElseThrow()) {
                walk(child, path + "/", depth + 1, visitor);
            }
        } else if (attributes.isSymbolicLink()) {
            visitor.link(path);
        } else if (attributes.isRegularFile()) {
            try (InputStream content = folder.read(name)) {
                visitor.file(path, content, attributes.permissions().contains(PosixFilePermission.OWNER_EXECUTE));
            }
        }
    }

    /** Copies what is in a folder of this machine into a workspace. */
    static void upload(Path from, Workspace to, String prefix, long fence) throws IOException {
        requireFolder(from);
        WorkspacePath top = WorkspacePath.of(prefix);
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) throws IOException {
                to.makeFolder(target(folder), fence);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (attributes.isRegularFile()) {
                    to.write(target(file), staged -> Files.copy(file, staged), Files.isExecutable(file), fence);
                }
                return FileVisitResult.CONTINUE;
            }

            private WorkspacePath target(Path path) {
                return top.plus(from.relativize(path));
            }
        });
    }

    /** Copies what is in a folder of a workspace to a folder of this machine. */
    static void download(Directory from, Path to) throws IOException {
        Files.createDirectories(to);
        walk(from, "", new Visitor() {
            @Override
            public void folder(String path) throws IOException {
                Files.createDirectories(to.resolve(path));
            }

            @Override
            public void file(String path, InputStream content, boolean executable) throws IOException {
                Path target = to.resolve(path);
                Files.copy(content, target, StandardCopyOption.REPLACE_EXISTING);
                if (executable) {
                    Workspace.addExecute(target);
                }
            }
        });
    }

    /** Copies a folder of this machine that no command can change, links as links. */
    static void copy(Path from, Path to) throws IOException {
        requireFolder(from);
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) throws IOException {
                Files.createDirectories(to.resolve(from.relativize(folder).toString()));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (!attributes.isOther()) {
                    Path target = to.resolve(from.relativize(file).toString());
                    Files.copy(file, target, LinkOption.NOFOLLOW_LINKS, StandardCopyOption.COPY_ATTRIBUTES);
                }
                return FileVisitResult.CONTINUE;
            }
        });
    }

    private static void requireFolder(Path from) {
        if (!Files.isDirectory(from)) {
            throw new IllegalArgumentException("no folder: " + from);
        }
    }
}
