package dev.perdure.internal.sandbox;

import dev.perdure.sandbox.SandboxException;
import dev.perdure.sandbox.SandboxException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/** A workspace as a zip file. Keeps folders, files and whether they are executable; leaves out links, pipes and devices. */
final class Archive {
    // An extra field of our own: Java reads and writes no Unix modes in a stream.
    private static final byte[] EXECUTABLE = {'P', 'd', 1, 0, 'x'};

    // The first entry. Tells an empty workspace from a stream that is something else.
    private static final String FORMAT = ".perdure-workspace-1";

    private Archive() {}

    static void save(Directory workspace, OutputStream out) throws IOException {
        ZipOutputStream zip = new ZipOutputStream(out);
        zip.setLevel(Deflater.BEST_SPEED);
        zip.putNextEntry(new ZipEntry(FORMAT));
        zip.closeEntry();
        Trees.walk(workspace, "", new Trees.Visitor() {
            @Override
            public void folder(String path) throws IOException {
                zip.putNextEntry(new ZipEntry(path + "/"));
                zip.closeEntry();
            }

            @Override
            public void file(String path, InputStream content, boolean executable) throws IOException {
                ZipEntry entry = new ZipEntry(path);
                if (executable) {
                    entry.setExtra(EXECUTABLE);
                }
                zip.putNextEntry(entry);
                content.transferTo(zip);
                zip.closeEntry();
            }
        });
        zip.finish();
    }

    /**
     * Unpacks into a new folder that no command can reach yet.
     *
     * @throws SandboxException of kind {@code REFUSED} when this is no saved workspace
     */
    static void unpack(InputStream in, Path into) throws IOException {
        Files.createDirectory(into);
        ZipInputStream zip = new ZipInputStream(in);
        try {
            ZipEntry entry = zip.getNextEntry();
            if (entry == null || !FORMAT.equals(entry.getName())) {
                throw new ZipException("it does not begin with " + FORMAT);
            }
            for (entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                unpack(entry, zip, into);
            }
        } catch (ZipException | IllegalArgumentException | FileAlreadyExistsException e) {
            throw new SandboxException(Kind.REFUSED, "no saved workspace: " + e.getMessage(), e);
        }
    }

    private static void unpack(ZipEntry entry, InputStream content, Path into) throws IOException {
        Path target = into;
        for (String name : WorkspacePath.file(entry.getName()).names()) {
            target = target.resolve(name);
        }
        if (entry.isDirectory()) {
            Files.createDirectories(target);
            return;
        }
        Files.createDirectories(target.getParent());
        Files.copy(content, target);
        if (Arrays.equals(entry.getExtra(), EXECUTABLE)) {
            Workspace.addExecute(target);
        }
    }
}
