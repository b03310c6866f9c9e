package dev.perdure.benchmarks;

import java.util.ArrayList;
import java.util.List;

/** One quantity over the runs of a benchmark. Confined. */
final class Runs {
    /** How often everything is measured, ours and theirs by turns. */
    static final int COUNT = 3;

    private final List<Double> values = new ArrayList<>();

    double add(double value) {
        values.add(value);
        return value;
    }

    double median() {
        return Numbers.median(values);
    }

    double largest() {
        return values.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    }

    /** The median, and the smallest and the largest behind it. */
    @Override
    public String toString() {
        double least = values.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
        return Numbers.two(median()) + " (" + Numbers.two(least) + " to " + Numbers.two(largest()) + ")";
    }
}
