package dev.perdure.benchmarks;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/** Several who do the same work one after the other, each round another first, so that what else the machine does meets all alike. */
final class Turns {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Turns() {}

    /** One piece of the work. */
    interface Work {
        void run() throws Exception;
    }

    /**
     * Medians of all rounds.
     *
     * @param bytes that the thread which called allocated; what others did for it is not in it
     */
    record Median(double nanos, double bytes) {}

    /** In the order of {@code all}. */
    static List<Median> measure(List<Work> all, int rounds) throws Exception {
        double[][] nanos = new double[all.size()][rounds];
        double[][] bytes = new double[all.size()][rounds];
        for (int round = 0; round < rounds; round++) {
            for (int i = 0; i < all.size(); i++) {
                int which = (i + round) % all.size();
                long allocated = THREADS.getCurrentThreadAllocatedBytes();
                long start = System.nanoTime();
                all.get(which).run();
                nanos[which][round] = System.nanoTime() - start;
                bytes[which][round] = THREADS.getCurrentThreadAllocatedBytes() - allocated;
            }
        }
        List<Median> medians = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            medians.add(new Median(Numbers.median(nanos[i]), Numbers.median(bytes[i])));
        }
        return medians;
    }
}
