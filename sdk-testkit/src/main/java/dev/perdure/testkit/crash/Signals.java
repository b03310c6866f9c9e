package dev.perdure.testkit.crash;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.ReentrantLock;

/** Stops and continues processes, which Java cannot; by a shell that is kept, because starting one takes longer than the moment that is meant. Thread-safe. */
final class Signals implements AutoCloseable {
    private final Process shell;
    private final Writer orders;
    private final BufferedReader answers;
    // Held until the shell has answered: the signal is sent then.
    private final ReentrantLock lock = new ReentrantLock();

    Signals() {
        try {
            this.shell = new ProcessBuilder("/bin/sh")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException("no /bin/sh: processes can be paused on Linux and macOS only", e);
        }
        this.orders = shell.outputWriter(StandardCharsets.UTF_8);
        this.answers = new BufferedReader(new InputStreamReader(shell.getInputStream(), StandardCharsets.UTF_8));
    }

    void stop(Process process) {
        send("STOP", process);
    }

    void resume(Process process) {
        send("CONT", process);
    }

    private void send(String signal, Process process) {
        lock.lock();
        try {
            orders.write("kill -" + signal + " " + process.pid() + "; echo\n");
            orders.flush();
            answers.readLine();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        shell.destroyForcibly();
    }
}
