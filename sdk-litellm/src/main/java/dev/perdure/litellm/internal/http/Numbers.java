package dev.perdure.litellm.internal.http;

import dev.perdure.session.Json;
import java.math.BigDecimal;
import java.util.Optional;
import java.util.OptionalLong;

/** Reads numbers, which a gateway writes as {@code 8192}, {@code 8192.0} or {@code 1e-05}. The digits are kept as they come. */
public final class Numbers {
    /** With an exponent beyond that it is none of ours, and arithmetic with it would fill the memory. */
    private static final long MOST_SCALE = 60;

    private Numbers() {}

    public static Optional<BigDecimal> parse(String text) {
        try {
            BigDecimal number = new BigDecimal(text);
            return Math.abs((long) number.scale()) <= MOST_SCALE ? Optional.of(number) : Optional.empty();
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** Empty when the field is missing or no number; a text with one in it counts. */
    public static Optional<BigDecimal> findDecimal(Json json, String field) {
        return json.find(field).flatMap(value -> parse(value.plain()));
    }

    public static OptionalLong find(Json json, String field) {
        return findDecimal(json, field).stream()
                .mapToLong(BigDecimal::longValue)
                .findFirst();
    }
}
