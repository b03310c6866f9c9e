package dev.perdure.testkit.crash;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Lets this process be hit at its point. The parent does it, because no Java code can kill its own process without a moment in which other code
 * runs on: here the thread that came to the point never goes beyond it. Thread-safe.
 */
final class Crasher {
    /** Prefix of what is for the parent, because libraries may print. */
    static final String SAY = "@crash ";

    private final Plan plan;
    private final AtomicInteger reached = new AtomicInteger();
    private final CountDownLatch resumed = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);
    // Not System.out, which may be somebody else's by now.
    private final FileOutputStream parent = new FileOutputStream(FileDescriptor.out);

    Crasher(Plan plan) {
        this.plan = plan;
        Thread listener = new Thread(this::listen, "crash-orders");
        listener.setDaemon(true);
        listener.start();
    }

    void reach(CrashPoint point) {
        if (point == plan.point() && reached.incrementAndGet() == plan.nth()) {
            say((plan.pauses() ? "pause " : "kill ") + point);
            waitFor(resumed);
        }
    }

    void say(String word) {
        try {
            parent.write((SAY + word + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    boolean ended() {
        return ended.getCount() == 0;
    }

    void awaitEnd() {
        waitFor(ended);
    }

    /** Interrupts do not help: who is to die here does no more work. */
    private static void waitFor(CountDownLatch latch) {
        boolean interrupted = false;
        while (true) {
            try {
                latch.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void listen() {
        try (BufferedReader orders = new BufferedReader(
                new InputStreamReader(new FileInputStream(FileDescriptor.in), StandardCharsets.UTF_8))) {
            for (String line = orders.readLine(); line != null; line = orders.readLine()) {
                if (line.equals("go")) {
                    resumed.countDown();
                } else if (line.equals("end")) {
                    ended.countDown();
                }
            }
        } catch (IOException e) {
            say("lost the parent: " + e);
        }
        // The parent is gone, and nobody else would end this process.
        Runtime.getRuntime().halt(3);
    }
}
