package dev.perdure.session.jdbc;

/** Sizes of pages. */
final class Limits {
    private static final int MOST = 10_000;

    private Limits() {}

    static void require(int limit) {
        if (limit < 1 || limit > MOST) {
            throw new IllegalArgumentException("a limit is 1 to " + MOST + ", but this is " + limit);
        }
    }
}
