package dev.perdure.litellm.internal.mcp;

import dev.perdure.session.Json;
import dev.perdure.tool.ToolResult;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a call gave, as text for a model. */
public final class CallResult {
    private CallResult() {}

    public static ToolResult of(Json answer) {
        List<Json> content = answer.find("content").map(Json::elements).orElse(List.of());
        String text = content.stream().map(CallResult::text).collect(Collectors.joining("\n"));
        // A server that gives structured content says the same in a text, if it gives one.
        Optional<Json> structured = content.stream().anyMatch(part -> type(part).equals("text"))
                ? Optional.empty()
                : answer.find("structuredContent");
        if (structured.isPresent()) {
            text = text.isEmpty()
                    ? structured.get().text()
                    : text + "\n" + structured.get().text();
        }
        boolean error =
                answer.find("isError").filter(is -> is.text().equals("true")).isPresent();
        String shown = text.isEmpty() ? error ? "failed, without a word why" : "done" : text;
        return new ToolResult(shown, error);
    }

    private static String text(Json part) {
        return switch (type(part)) {
            case "text" -> part.findText("text").orElse("");
            case "image", "audio" -> leftOut(type(part), part, "data");
            case "resource_link" ->
                part.findText("name").map(name -> name + ": ").orElse("")
                        + part.findText("uri").orElse("");
            case "resource" -> resource(part.find("resource").orElse(Json.EMPTY));
            default -> part.text();
        };
    }

    private static String resource(Json resource) {
        String uri = resource.findText("uri").orElse("resource");
        return resource.findText("text").orElseGet(() -> leftOut(uri, resource, "blob"));
    }

    private static String leftOut(String what, Json part, String field) {
        String base64 = part.findText(field).orElse("").replace("=", "");
        return "(" + what + ", " + part.findText("mimeType").orElse("of no known type") + ", "
                + base64.length() * 3L / 4 + " bytes: not shown)";
    }

    private static String type(Json part) {
        return part.findText("type").orElse("");
    }
}
