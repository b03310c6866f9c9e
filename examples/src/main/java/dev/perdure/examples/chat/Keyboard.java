package dev.perdure.examples.chat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** Lines of standard input, read while the agent talks: {@code /interrupt} is obeyed at once, everything else waits its turn. */
final class Keyboard {
    static final String INTERRUPT = "/interrupt";
    private static final Optional<String> END = Optional.empty();

    private final BlockingQueue<Optional<String>> lines = new LinkedBlockingQueue<>();

    /** Reads from now on, on a thread that does not keep the program alive. */
    static Keyboard watched(Runnable onInterrupt) {
        Keyboard keyboard = new Keyboard();
        Thread reader = new Thread(() -> keyboard.read(onInterrupt), "keyboard");
        reader.setDaemon(true);
        reader.start();
        return keyboard;
    }

    /** The next line; empty at the end of input. */
    Optional<String> next() throws InterruptedException {
        return lines.take();
    }

    private void read(Runnable onInterrupt) {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset()))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                if (line.strip().equals(INTERRUPT)) {
                    onInterrupt.run();
                } else {
                    lines.add(Optional.of(line.strip()));
                }
            }
        } catch (IOException e) {
            System.err.println("chat: standard input cannot be read: " + e.getMessage());
        }
        lines.add(END);
    }
}
