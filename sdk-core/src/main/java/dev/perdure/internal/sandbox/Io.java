package dev.perdure.internal.sandbox;

import dev.perdure.sandbox.SandboxException;
import dev.perdure.sandbox.SandboxException.Kind;
import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import org.jspecify.annotations.Nullable;

/** Turns failures of files into what the sandbox's contract knows. */
final class Io {
    private Io() {}

    /** Something that reads or writes files. */
    @FunctionalInterface
    interface Action<T extends @Nullable Object> {
        T run() throws IOException;
    }

    static <T extends @Nullable Object> T call(String what, Action<T> action) {
        try {
            return action.run();
        } catch (IOException e) {
            throw failure(what, e);
        }
    }

    static SandboxException failure(String what, IOException e) {
        Kind kind = e instanceof FileSystemLoopException ? Kind.REFUSED : Kind.UNAVAILABLE;
        return new SandboxException(kind, what + ": " + reason(e), e);
    }

    static SandboxException lost(String folder) {
        return new SandboxException(Kind.LOST, "sandbox " + folder + " is gone, with its files", null);
    }

    static SandboxException refused(String message) {
        return new SandboxException(Kind.REFUSED, message, null);
    }

    private static String reason(IOException e) {
        return e instanceof NoSuchFileException ? "no such file: " + e.getMessage() : String.valueOf(e);
    }
}
