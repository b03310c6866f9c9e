package dev.perdure.litellm.internal.wire;

import dev.perdure.session.Json;

/** The arguments of a call on their way back to the model. */
final class Arguments {
    private Arguments() {}

    /** Gateways parse them for some providers, and would refuse this conversation for ever over a slip of the model. */
    static String asObject(String written) {
        if (written.isBlank()) {
            return "{}";
        }
        try {
            return Json.parse(written).isObject() ? written : asText(written);
        } catch (IllegalArgumentException e) {
            return asText(written);
        }
    }

    private static String asText(String written) {
        return Json.EMPTY.with("not_an_object", written).text();
    }
}
