package dev.perdure.litellm.internal.wire;

import dev.perdure.session.Json;
import dev.perdure.session.Part;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a reply holds for its provider alone, as it came, to go back on a wire that carries it: reasoning in the provider's own form, and blocks or items of
 * a kind that there is no {@link Part} for, as the tools leave that a provider runs itself.
 */
final class Kept {
    /** Fields of {@link Part.Thinking#verbatim()}. */
    static final String BLOCKS = "thinking_blocks";

    static final String ITEMS = "reasoning_items";

    /** Types of {@link Part.Other}, of Anthropic's messages and OpenAI's responses. */
    static final String BLOCK = "messages.block";

    static final String ITEM = "responses.item";

    private Kept() {}

    static Part.Other other(String type, ObjectNode json) {
        // The type comes first, where whoever reads it back looks for it.
        return new Part.Other(type, Json.EMPTY.with("type", type).with("json", Json.parse(json.toString())));
    }

    /** For Anthropic: without its signature a thinking block is refused, or shown to another model as words of its own. */
    static List<Json> blocks(Part part) {
        return part instanceof Part.Thinking
                ? reasoning(part, BLOCKS).stream()
                        .filter(block -> !block.findText("type").equals(Optional.of("thinking"))
                                || !block.findText("signature").orElse("").isEmpty())
                        .toList()
                : others(part, BLOCK);
    }

    /** @param stored whether the provider keeps what it wrote; else reasoning without its encrypted content is unknown to it */
    static List<Json> items(Part part, boolean stored) {
        return part instanceof Part.Thinking
                ? reasoning(part, ITEMS).stream()
                        .filter(item ->
                                stored || item.findText("encrypted_content").isPresent())
                        .toList()
                : others(part, ITEM);
    }

    private static List<Json> reasoning(Part part, String field) {
        Json verbatim = part instanceof Part.Thinking thinking ? thinking.verbatim() : null;
        return verbatim == null
                ? List.of()
                : verbatim.find(field).map(Json::elements).orElse(List.of());
    }

    private static List<Json> others(Part part, String type) {
        return part instanceof Part.Other other && other.type().equals(type)
                ? other.json().find("json").stream().toList()
                : List.of();
    }
}
