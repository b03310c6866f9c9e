package dev.perdure.litellm.internal.plain;

import dev.perdure.litellm.ModelGroup;
import dev.perdure.litellm.internal.http.GatewayHttp;
import dev.perdure.litellm.internal.http.Numbers;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.session.Json;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** What models there are. */
public final class Catalog {
    private final Settings settings;
    private final GatewayHttp http;

    public Catalog(Settings settings, GatewayHttp http) {
        this.settings = settings;
        this.http = http;
    }

    public List<String> models() {
        return data(http.get(settings.endpoint.at("models")).body()).stream()
                .flatMap(model -> model.findText("id").stream())
                .toList();
    }

    public Optional<ModelGroup> findGroup(String name) {
        Json answer = http.find("model_group/info", Map.of("model_group", name)).orElse(Json.EMPTY);
        return data(answer).stream()
                .filter(group -> group.findText("model_group").equals(Optional.of(name)))
                .findFirst()
                .map(Catalog::group);
    }

    private static List<Json> data(Json answer) {
        return answer.find("data").map(Json::elements).orElse(List.of());
    }

    private static ModelGroup group(Json json) {
        return new ModelGroup(
                json.findText("model_group").orElseThrow(),
                json.find("providers").map(Json::elements).orElse(List.of()).stream()
                        .map(Json::plain)
                        .toList(),
                whole(json, "max_input_tokens"),
                whole(json, "max_output_tokens"),
                Numbers.findDecimal(json, "input_cost_per_token").orElse(null),
                Numbers.findDecimal(json, "output_cost_per_token").orElse(null),
                is(json, "supports_function_calling"),
                is(json, "supports_parallel_function_calling"),
                is(json, "supports_vision"),
                is(json, "supports_reasoning"),
                json);
    }

    private static @Nullable Long whole(Json json, String field) {
        OptionalLong found = Numbers.find(json, field);
        return found.isPresent() ? found.getAsLong() : null;
    }

    private static boolean is(Json json, String field) {
        return json.find(field).filter(value -> value.text().equals("true")).isPresent();
    }
}
