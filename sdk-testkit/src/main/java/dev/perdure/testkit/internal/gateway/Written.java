package dev.perdure.testkit.internal.gateway;

import dev.perdure.session.Json;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Values as the gateway writes them: it has two writers of numbers, and neither writes as Java does. */
public final class Written {
    private Written() {}

    /** Compact JSON with numbers as Python writes them: {@code 1e-05}. Maps keep their order. */
    public static String json(@Nullable Object value) {
        if (value instanceof Map<?, ?> map) {
            return map.entrySet().stream()
                    .map(field -> quoted(String.valueOf(field.getKey())) + ":" + json(field.getValue()))
                    .collect(Collectors.joining(",", "{", "}"));
        }
        if (value instanceof List<?> list) {
            return list.stream().map(Written::json).collect(Collectors.joining(",", "[", "]"));
        }
        if (value instanceof Double || value instanceof Float || value instanceof BigDecimal) {
            return python(((Number) value).doubleValue());
        }
        return value instanceof String text ? quoted(text) : String.valueOf(value);
    }

    public static String quoted(String text) {
        return Json.of(text).text();
    }

    /** As headers, messages and most bodies have it: {@code 0.00013000000000000002}, {@code 1e-05}. */
    public static String python(double number) {
        BigDecimal shortest = shortest(number);
        int exponent = exponent(shortest);
        if (exponent >= -4 && exponent < 16) {
            return plain(shortest);
        }
        return mantissa(shortest) + "e" + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "")
                + Math.abs(exponent);
    }

    /** As chunks of streams have it: {@code 0.00001}, and {@code 1e-6} only below that. */
    public static String inChunk(double number) {
        BigDecimal shortest = shortest(number);
        int exponent = exponent(shortest);
        return exponent >= -5 && exponent < 16 ? plain(shortest) : mantissa(shortest) + "e" + exponent;
    }

    /** A list of texts in a message: {@code ['a', 'b']}. */
    public static String pythonList(List<String> texts) {
        return texts.stream().collect(Collectors.joining("', '", "['", "']"));
    }

    /** The fewest digits that are this number again. {@link Double#toString} on Java 17 writes more at times. */
    private static BigDecimal shortest(double number) {
        for (int digits = 1; digits < 17; digits++) {
            BigDecimal rounded = new BigDecimal(number).round(new MathContext(digits, RoundingMode.HALF_EVEN));
            if (rounded.doubleValue() == number) {
                return rounded.stripTrailingZeros();
            }
        }
        return new BigDecimal(number).round(new MathContext(17, RoundingMode.HALF_EVEN));
    }

    private static int exponent(BigDecimal number) {
        return number.signum() == 0 ? 0 : number.precision() - number.scale() - 1;
    }

    private static String plain(BigDecimal number) {
        String text = number.toPlainString();
        return text.contains(".") ? text : text + ".0";
    }

    private static String mantissa(BigDecimal number) {
        String digits = number.unscaledValue().toString();
        int first = digits.startsWith("-") ? 2 : 1;
        return digits.length() == first ? digits : digits.substring(0, first) + "." + digits.substring(first);
    }
}
