package dev.perdure.sandbox;

import dev.perdure.session.Interruption;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** A command that was started. Thread-safe. */
public interface Execution {
    String id();

    /**
     * Waits until the command has ended; what it left in the background is not waited for. When {@code interruption} is requested, the
     * command and all it started are killed first. May be called again, and from anywhere: the result stays.
     *
     * @throws SandboxException of kind {@code FENCED} when it should be killed but a newer holder of the session uses the sandbox: then
     *     it goes on; {@code UNAVAILABLE} when this thread is interrupted without a request: it goes on too
     */
    Result await(Interruption interruption);

    /**
     * Kills the command and all it started, and returns when it has ended. Nothing happens when it had ended before.
     *
     * @throws SandboxException of kind {@code FENCED} when a newer holder of the session uses the sandbox
     */
    void kill();

    boolean running();

    /**
     * How a command ended.
     *
     * @param exitCode as the program gave it; 128 plus the signal when it was killed; -1 when it is not known
     * @param output standard output, cut at the command's limit
     * @param error standard error, cut at the command's limit
     * @param truncated whether one of them was cut
     */
    @SuppressWarnings("ArrayRecordComponent") // results are read, not compared
    record Result(End end, int exitCode, byte[] output, byte[] error, boolean truncated, Duration took) {
        /** How a command came to its end. */
        public enum End {
            EXITED,
            TIMED_OUT,
            KILLED,
            /** The sandbox or its machine went down under it. */
            LOST
        }

        public String outputText() {
            return new String(output, StandardCharsets.UTF_8);
        }

        public String errorText() {
            return new String(error, StandardCharsets.UTF_8);
        }
    }
}
