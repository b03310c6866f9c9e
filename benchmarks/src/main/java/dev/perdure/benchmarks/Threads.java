package dev.perdure.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;

/** Several at the same work. */
final class Threads {
    private Threads() {}

    /** What one of several does. */
    interface Work {
        void run(int number) throws Exception;
    }

    /** Calls {@code work} with the numbers from 0 on, each on a thread of its own, and waits for all of them. */
    static void run(int threads, Work work) throws Exception {
        collect(threads, number -> () -> {
            work.run(number);
            return number;
        });
    }

    /** As {@link #run}; the results are in the order of the numbers. */
    static <T> List<T> collect(int threads, IntFunction<Callable<T>> work) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            List<Future<T>> running = new ArrayList<>();
            for (int number = 0; number < threads; number++) {
                running.add(pool.submit(work.apply(number)));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> one : running) {
                results.add(one.get());
            }
            return results;
        } finally {
            pool.shutdown();
        }
    }
}
