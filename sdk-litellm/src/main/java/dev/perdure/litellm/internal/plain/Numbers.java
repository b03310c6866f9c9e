package dev.perdure.litellm.internal.plain;

import dev.perdure.session.Json;
import java.math.BigDecimal;
import java.util.Optional;
import java.util.OptionalLong;

/** Reads numbers, which a gateway writes as {@code 8192}, {@code 8192.0} or {@code 1e-05}. */
final class Numbers {
    private Numbers() {}

    static Optional<BigDecimal> findDecimal(Json json, String field) {
        return json.find(field).flatMap(value -> {
            try {
                BigDecimal number = new BigDecimal(value.plain());
                // With an exponent beyond that it is none of ours, and arithmetic with it would fill the memory.
                return Math.abs((long) number.scale()) <= 60 ? Optional.of(number) : Optional.empty();
            } catch (NumberFormatException e) {
                return Optional.empty();
            }
        });
    }

    static OptionalLong find(Json json, String field) {
        return findDecimal(json, field).stream()
                .mapToLong(BigDecimal::longValue)
                .findFirst();
    }
}
