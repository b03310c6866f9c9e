package dev.perdure.testkit.internal.gateway;

import java.util.List;

/** An answer that is sent at once. {@code before} stands before the headers that tell of the body, {@code after} behind them. */
public record Whole(int status, List<String> before, String body, List<String> after) {
    public static Whole ok(String body) {
        return of(200, body);
    }

    static Whole of(int status, String body) {
        return new Whole(status, List.of(), body, List.of());
    }
}
