package dev.perdure.litellm;

import dev.perdure.litellm.internal.http.Hashes;
import dev.perdure.session.Effect;
import dev.perdure.session.Json;
import java.util.Objects;

/**
 * A tool of an MCP server that a gateway stands before. Immutable.
 *
 * @param server the alias of the server at the gateway, else its name, else its id; empty for a tool of the gateway itself
 * @param serverId by which the gateway calls the server; empty for a tool of the gateway itself
 * @param name at the server
 * @param description empty when there is none
 * @param schema JSON Schema of the arguments, an object
 * @param annotations what the server hints, such as {@code readOnlyHint}; an object without fields when it hints nothing, or the gateway tells no hints. See {@link #effect}
 */
public record McpTool(String server, String serverId, String name, String description, Json schema, Json annotations) {
    private static final int LONGEST = 64;
    private static final int HASH = 8;

    public McpTool {
        Objects.requireNonNull(server, "server");
        Objects.requireNonNull(serverId, "serverId");
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(description, "description");
        Objects.requireNonNull(schema, "schema");
        Objects.requireNonNull(annotations, "annotations");
    }

    /**
     * The name for a model: {@code server-name}, as the gateway's own, and so the same whatever other servers there are. What models do not take in a name becomes {@code _}; of more than 64
     * characters the first 55 stay, with a hash of the whole.
     */
    public String toolName() {
        String whole = server.isEmpty() ? name : server + "-" + name;
        String usable = whole.replaceAll("[^A-Za-z0-9_-]", "_");
        return usable.length() <= LONGEST
                ? usable
                : usable.substring(0, LONGEST - HASH - 1) + "-"
                        + Hashes.sha256(whole).substring(0, HASH);
    }

    /** Whether the server hints that the tool changes nothing ({@code readOnlyHint}). */
    public boolean readOnly() {
        return hints("readOnlyHint");
    }

    /** Whether the server hints that a repeat with the same arguments changes nothing more ({@code idempotentHint}). */
    public boolean idempotent() {
        return hints("idempotentHint");
    }

    /** Whether the tool may destroy something: true unless the server hints {@code destructiveHint: false} or that it is read-only. */
    public boolean destructive() {
        return !readOnly()
                && annotations
                        .find("destructiveHint")
                        .filter(hint -> hint.text().equals("false"))
                        .isEmpty();
    }

    /** By the server's hints: {@code PURE} when read-only, else {@code IDEMPOTENT} when idempotent, else {@code ONCE}. */
    public Effect effect() {
        return readOnly() ? Effect.PURE : idempotent() ? Effect.IDEMPOTENT : Effect.ONCE;
    }

    private boolean hints(String name) {
        return annotations.find(name).filter(hint -> hint.text().equals("true")).isPresent();
    }
}
