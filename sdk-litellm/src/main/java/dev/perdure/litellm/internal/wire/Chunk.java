package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.ErrorBody;
import dev.perdure.session.Part;
import dev.perdure.session.Usage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** What one event of a stream says, or a whole plain answer. Confined. */
public final class Chunk {
    public String model = "";

    @Nullable
    public Choice choice;

    @Nullable
    public Usage usage;

    @Nullable
    public String cost;

    @Nullable
    public ErrorBody error;

    static Chunk of(Choice choice) {
        Chunk chunk = new Chunk();
        chunk.choice = choice;
        return chunk;
    }

    static Chunk of(ErrorBody error) {
        Chunk chunk = new Chunk();
        chunk.error = error;
        return chunk;
    }

    /** The delta or message of the choice with index 0. */
    public static final class Choice {
        int index;

        @Nullable
        String role;

        String text = "";
        String thinking = "";

        @Nullable
        String finishReason;

        List<ObjectNode> thinkingBlocks = List.of();
        List<ToolPiece> toolPieces = List.of();
        List<Part.Other> others = List.of();

        void add(ObjectNode thinkingBlock) {
            if (thinkingBlocks.isEmpty()) {
                thinkingBlocks = new ArrayList<>(1);
            }
            thinkingBlocks.add(thinkingBlock);
        }

        void add(ToolPiece piece) {
            if (toolPieces.isEmpty()) {
                toolPieces = new ArrayList<>(1);
            }
            toolPieces.add(piece);
        }

        boolean saysSomething() {
            return !text.isEmpty()
                    || !thinking.isEmpty()
                    || !thinkingBlocks.isEmpty()
                    || !toolPieces.isEmpty()
                    || !others.isEmpty();
        }
    }

    /** A piece of a tool call: id and name usually in the first one alone. */
    public static final class ToolPiece {
        @Nullable
        Integer index;

        String id = "";
        String name = "";
        String arguments = "";
    }
}
