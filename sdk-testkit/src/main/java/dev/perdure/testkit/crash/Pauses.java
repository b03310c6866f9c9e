package dev.perdure.testkit.crash;

/** Waiting, where the length of the wait is the test. */
final class Pauses {
    private Pauses() {}

    /** An interrupt ends it early and stays set. */
    static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
