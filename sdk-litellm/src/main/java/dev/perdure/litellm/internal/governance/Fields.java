package dev.perdure.litellm.internal.governance;

import dev.perdure.litellm.internal.http.Numbers;
import dev.perdure.session.Json;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads single fields of the gateway's answers. What has another shape than expected counts as missing: it stays reachable in the answer as a whole. */
public final class Fields {
    private static final int MOST_DIGITS = 100;

    private Fields() {}

    public static String text(Json json, String name) {
        return json.findText(name).orElse("");
    }

    public static @Nullable String textOrNull(Json json, String name) {
        return json.findText(name).filter(text -> !text.isEmpty()).orElse(null);
    }

    /** The digits as they came. */
    public static @Nullable BigDecimal decimalOrNull(Json json, String name) {
        return json.find(name).map(Fields::number).orElse(null);
    }

    /** Zero when it is missing; never negative, as costs are not. */
    public static BigDecimal money(Json json, String name) {
        BigDecimal amount = decimalOrNull(json, name);
        return amount == null ? BigDecimal.ZERO : amount.max(BigDecimal.ZERO);
    }

    public static @Nullable Integer integerOrNull(Json json, String name) {
        BigDecimal number = decimalOrNull(json, name);
        return number == null
                ? null
                : number.min(BigDecimal.valueOf(Integer.MAX_VALUE)).intValue();
    }

    public static long count(Json json, String name) {
        BigDecimal number = decimalOrNull(json, name);
        return number == null ? 0 : number.longValue();
    }

    public static boolean isTrue(Json json, String name) {
        return json.find(name).map(value -> value.text().equals("true")).orElse(false);
    }

    public static List<String> texts(Json json, String name) {
        return json.find(name).map(Json::elements).orElse(List.of()).stream()
                .map(Json::plain)
                .toList();
    }

    public static Json object(Json json, String name) {
        return json.find(name).filter(Json::isObject).orElse(Json.EMPTY);
    }

    /** A time without an offset is UTC, as all of the gateway's times are. */
    public static @Nullable Instant instantOrNull(Json json, String name) {
        String text = text(json, name).replace(' ', 'T');
        if (text.isEmpty()) {
            return null;
        }
        try {
            return OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeParseException e) {
            return localOrNull(text);
        }
    }

    private static @Nullable Instant localOrNull(String text) {
        try {
            return LocalDateTime.parse(text).toInstant(ZoneOffset.UTC);
        } catch (DateTimeParseException e) {
            return null;
        }
    }

    private static @Nullable BigDecimal number(Json value) {
        return Numbers.parse(value.plain())
                .filter(number -> number.precision() <= MOST_DIGITS)
                .orElse(null);
    }
}
