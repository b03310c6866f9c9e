package dev.perdure.benchmarks;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/**
 * Several who do the same work in short slices by turns, each round another first, so that what else the machine does meets all alike. Not one by one: each would
 * find the processor's caches full of what another left there, as it never does where it is used.
 */
final class Turns {
    /** How often one does the work until it is another's turn. */
    private static final int SLICE = 20;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Turns() {}

    /** One piece of the work. */
    interface Work {
        void run() throws Exception;
    }

    /**
     * Medians of all times.
     *
     * @param bytes that the thread which called allocated; what others did for it is not in it
     */
    record Median(double nanos, double bytes) {}

    /**
     * In the order of {@code all}.
     *
     * @param times that each does the work
     */
    static List<Median> measure(List<Work> all, int times) throws Exception {
        double[][] nanos = new double[all.size()][times];
        double[][] bytes = new double[all.size()][times];
        for (int from = 0; from < times; from += SLICE) {
            for (int i = 0; i < all.size(); i++) {
                int which = (i + from / SLICE) % all.size();
                for (int time = from; time < Math.min(times, from + SLICE); time++) {
                    long allocated = THREADS.getCurrentThreadAllocatedBytes();
                    long start = System.nanoTime();
                    all.get(which).run();
                    nanos[which][time] = System.nanoTime() - start;
                    bytes[which][time] = THREADS.getCurrentThreadAllocatedBytes() - allocated;
                }
            }
        }
        List<Median> medians = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            medians.add(new Median(Numbers.median(nanos[i]), Numbers.median(bytes[i])));
        }
        return medians;
    }
}
