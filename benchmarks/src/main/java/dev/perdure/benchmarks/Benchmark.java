package dev.perdure.benchmarks;

import java.io.PrintStream;
import java.util.Map;

/** Something that is measured, ours and theirs by turns. */
interface Benchmark {
    /** What is measured beside what, in one sentence. */
    String about();

    /**
     * @param factor of the usual amount of work
     * @param out for what each run gave
     * @return keys and values of the last line, in order
     */
    Map<String, String> run(double factor, PrintStream out) throws Exception;
}
