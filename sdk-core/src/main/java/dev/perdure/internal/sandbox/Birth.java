package dev.perdure.internal.sandbox;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Identity of a process: its number, when it began, and the run of the machine (and namespace) it belongs to. Numbers are used again; the three
 * together are not.
 */
record Birth(long pid, String at, String host) {
    private static final Path STAT = Path.of("/proc/self/stat");

    /** This run of the machine and, in a container, this container. */
    static String here() {
        try {
            Path boot = Path.of("/proc/sys/kernel/random/boot_id");
            return Files.isReadable(boot)
                    ? Files.readString(boot).trim() + "/" + Files.readSymbolicLink(Path.of("/proc/self/ns/pid"))
                    : "-";
        } catch (IOException e) {
            return "-";
        }
    }

    /** @param line pid, birth and host, with spaces between */
    static Birth parse(String line) {
        String[] words = line.trim().split(" ", -1);
        return new Birth(Long.parseLong(words[0]), words[1], words[2]);
    }

    boolean alive() {
        return host.equals(here()) && born(pid).filter(at::equals).isPresent();
    }

    /** Asks the process to end (SIGTERM). False when it is gone. */
    boolean terminate() {
        return handle().map(ProcessHandle::destroy).orElse(false);
    }

    void kill() {
        handle().ifPresent(ProcessHandle::destroyForcibly);
    }

    // The handle notes its own start time before alive() compares ours, and sends nothing to a process with another
    // one.
    private Optional<ProcessHandle> handle() {
        return ProcessHandle.of(pid).filter(handle -> alive());
    }

    /** When a living process began; empty for one that is gone or only waits for its parent to notice its end. */
    private static Optional<String> born(long pid) {
        return Files.exists(STAT) ? fromProc(pid) : fromPs(pid);
    }

    private static Optional<String> fromProc(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            return fields[0].equals("Z") || fields[0].equals("X") ? Optional.empty() : Optional.of(fields[19]);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Optional<String> fromPs(long pid) {
        try {
            ProcessBuilder ps = Commands.quiet(java.util.List.of("ps", "-o", "lstart=", "-p", Long.toString(pid)));
            Process process = ps.redirectOutput(ProcessBuilder.Redirect.PIPE).start();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            // As the runner writes it: runs of blanks as one underscore.
            return Optional.of(text.replaceAll("\\s+", "_")).filter(found -> !found.isEmpty());
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
