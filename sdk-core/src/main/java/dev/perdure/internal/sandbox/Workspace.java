package dev.perdure.internal.sandbox;

import dev.perdure.sandbox.Sandbox.Entry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The files of a sandbox. Follows no link, not even one that stays inside: what it names can change while it is followed. */
final class Workspace {
    private final Home home;

    Workspace(Home home) {
        this.home = home;
    }

    /** Makes or replaces a file, at once: nobody sees half of it. Keeps the permissions of the one it replaces. */
    void write(WorkspacePath path, Content content, boolean executable, long fence) throws IOException {
        Path staged = home.stage();
        try {
            content.writeTo(staged);
            if (executable) {
                addExecute(staged);
            }
            home.guarded(fence, () -> {
                try (Directory folder = make(path.folders())) {
                    folder.place(staged, path.last());
                }
                return null;
            });
        } finally {
            Files.deleteIfExists(staged);
        }
    }

    /** Writes a new file. */
    @FunctionalInterface
    interface Content {
        void writeTo(Path file) throws IOException;
    }

    void makeFolder(WorkspacePath path, long fence) throws IOException {
        home.guarded(fence, () -> {
            make(path.names()).close();
            return null;
        });
    }

    Optional<byte[]> read(WorkspacePath path, long limit) throws IOException {
        Optional<Directory> found = find(path.folders());
        if (found.isEmpty()) {
            return Optional.empty();
        }
        try (Directory folder = found.get();
                InputStream in = folder.read(path.last())) {
            return Optional.of(in.readNBytes((int) Math.min(limit, Integer.MAX_VALUE - 8)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    List<Entry> list(WorkspacePath path) throws IOException {
        Optional<Directory> found = find(path.names());
        if (found.isEmpty()) {
            return List.of();
        }
        try (Directory folder = found.get()) {
            List<Entry> entries = new ArrayList<>();
            for (String name : folder.names()) {
                folder.attributes(name).ifPresent(attributes -> entries.add(entry(name, attributes)));
            }
            return List.copyOf(entries);
        }
    }

    /** The folder at the end of the names; empty when one is not there. The caller closes it. */
    Optional<Directory> find(List<String> names) throws IOException {
        Directory current = root();
        for (String name : names) {
            try (Directory parent = current) {
                Optional<Directory> next = parent.find(name);
                if (next.isEmpty()) {
                    return Optional.empty();
                }
                current = next.get();
            } catch (NoSuchFileException e) {
                return Optional.empty();
            }
        }
        return Optional.of(current);
    }

    private Directory make(List<String> names) throws IOException {
        Directory current = root();
        for (String name : names) {
            try (Directory parent = current) {
                current = parent.make(name, home.stage());
            }
        }
        return current;
    }

    private Directory root() throws IOException {
        home.repair();
        try (Directory folder = Directory.trusted(home.folder())) {
            return folder.find("workspace")
                    .orElseThrow(() -> Io.lost(home.name()))
                    .renamed("");
        }
    }

    private static Entry entry(String name, PosixFileAttributes attributes) {
        return new Entry(name, attributes.isDirectory(), attributes.isDirectory() ? 0 : attributes.size());
    }

    static void addExecute(Path file) throws IOException {
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
        permissions.add(PosixFilePermission.OWNER_EXECUTE);
        permissions.add(PosixFilePermission.GROUP_EXECUTE);
        permissions.add(PosixFilePermission.OTHERS_EXECUTE);
        Files.setPosixFilePermissions(file, permissions);
    }
}
