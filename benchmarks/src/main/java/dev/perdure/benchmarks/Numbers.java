package dev.perdure.benchmarks;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Medians and how they are written. */
final class Numbers {
    private Numbers() {}

    static double median(double... values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    static double median(List<Double> values) {
        return median(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    /** The smallest value that {@code percent} of all do not exceed. */
    static double percentile(List<Double> values, int percent) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return sorted[(int) Math.ceil(sorted.length * percent / 100.0) - 1];
    }

    static String two(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }

    static String micros(double nanos) {
        return String.format(Locale.ROOT, "%.0f µs", nanos / 1_000);
    }
}
