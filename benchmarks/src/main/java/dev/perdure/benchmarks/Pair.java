package dev.perdure.benchmarks;

/**
 * Ours and theirs, measured in short slices by turns, so that what else the machine does hits both alike. Confined.
 *
 * @param ours nanoseconds
 * @param theirs nanoseconds
 */
record Pair(long ours, long theirs) {
    /** Slices of one run. */
    static final int SLICES = 20;

    /** A slice of the work. */
    interface Slice {
        void run() throws Exception;
    }

    static Pair measure(Slice ours, Slice theirs) throws Exception {
        long our = 0;
        long their = 0;
        for (int i = 0; i < SLICES; i++) {
            our += nanos(ours);
            their += nanos(theirs);
        }
        return new Pair(our, their);
    }

    private static long nanos(Slice slice) throws Exception {
        long start = System.nanoTime();
        slice.run();
        return System.nanoTime() - start;
    }

    /** How often a second, when a slice does something {@code each} times. */
    static double perSecond(long nanos, int each) {
        return SLICES * (double) each / (nanos / 1e9);
    }
}
