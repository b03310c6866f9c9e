package dev.perdure.examples.model;

import dev.perdure.litellm.LiteLlm;
import dev.perdure.spi.ModelClient;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The model an example talks to: a gateway's when the environment names one, else a scripted one.
 *
 * @param saying one line for people
 * @param planned whether the model plays a {@code <plan>} that is in its instructions
 */
public record ModelChoice(ModelClient client, String saying, boolean planned) {
    private static final String URL = "LITELLM_BASE_URL";
    private static final String KEY = "LITELLM_API_KEY";
    private static final String MODEL = "LITELLM_MODEL";

    /** @throws IllegalArgumentException when the environment names half a gateway; says which half is missing */
    public static ModelChoice of(Map<String, String> environment, ModelClient otherwise) {
        String url = value(environment, URL);
        String model = value(environment, MODEL);
        if (url == null && model == null) {
            return new ModelChoice(
                    otherwise,
                    "scripted, no key needed (a real one: set " + URL + ", " + KEY + ", " + MODEL + ")",
                    false);
        }
        if (url == null || model == null) {
            throw new IllegalArgumentException(
                    (url == null ? MODEL : URL) + " is set, but " + (url == null ? URL : MODEL)
                            + " is not: set both to use a LiteLLM gateway, or neither for the scripted model");
        }
        LiteLlm gateway = LiteLlm.at(url).model(model);
        String key = value(environment, KEY);
        boolean planned = model.startsWith("scripted") || "1".equals(environment.get("PERDURE_PLAN"));
        return new ModelChoice(
                key == null ? gateway : gateway.key(key),
                model + " through LiteLLM at " + url + (planned ? ", playing a plan" : ""),
                planned);
    }

    private static @Nullable String value(Map<String, String> environment, String name) {
        String value = environment.get(name);
        return value == null || value.isBlank() ? null : value;
    }
}
