package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.WireJson;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** A part of a reply that is still coming in. Confined. */
public sealed interface Fragment {
    Part part();

    /** Text. */
    final class Text implements Fragment {
        final StringBuilder text = new StringBuilder();

        @Override
        public Part part() {
            return new Part.Text(text.toString());
        }
    }

    /** Reasoning, and the blocks that its provider wants back, signature included. */
    final class Thinking implements Fragment {
        final StringBuilder text = new StringBuilder();
        private final List<ObjectNode> blocks = new ArrayList<>(0);
        private @Nullable StringBuilder open;

        /** A thinking block comes in pieces, the signature with the last; any other kind of block is whole. */
        void add(ObjectNode piece) {
            if (!piece.path("type").asString("").equals("thinking")) {
                close();
                blocks.add(piece);
                return;
            }
            if (open == null) {
                open = new StringBuilder();
                blocks.add(piece);
            } else {
                blocks.get(blocks.size() - 1).setAll(piece);
            }
            open.append(piece.path("thinking").asString(""));
            if (!piece.path("signature").asString("").isEmpty()) {
                close();
            }
        }

        private void close() {
            if (open != null) {
                blocks.get(blocks.size() - 1).put("thinking", open.toString());
                open = null;
            }
        }

        @Override
        public Part part() {
            close();
            return new Part.Thinking(text.toString(), blocks.isEmpty() ? null : verbatim());
        }

        private Json verbatim() {
            ObjectNode json = WireJson.JSON.createObjectNode();
            for (ObjectNode block : blocks) {
                boolean item = block.path("type").asString("").equals("reasoning");
                json.withArray(item ? Kept.ITEMS : Kept.BLOCKS).add(block);
            }
            return Trees.json(json);
        }
    }

    /** A tool call. */
    final class Tool implements Fragment {
        String id = "";
        String name = "";
        final StringBuilder arguments = new StringBuilder();

        void add(Chunk.ToolPiece piece) {
            if (id.isEmpty()) {
                id = piece.id;
            }
            if (name.isEmpty()) {
                name = piece.name;
            }
            arguments.append(piece.arguments);
        }

        @Override
        public Part part() {
            return new Part.ToolUse(id, name, arguments.toString());
        }
    }

    /** What has no form of its own, whole. */
    record Other(Part.Other part) implements Fragment {}
}
