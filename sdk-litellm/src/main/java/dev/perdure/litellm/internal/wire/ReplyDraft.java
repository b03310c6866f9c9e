package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.NotTheProtocolException;
import dev.perdure.session.Part;
import dev.perdure.session.Usage;
import dev.perdure.spi.CallScope.Deltas;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A reply that is coming in, chunk by chunk; hands on its text. Confined. */
public final class ReplyDraft {
    private static final int NO_INDEX = Integer.MIN_VALUE;

    private final Deltas deltas;
    private final Details details = new Details();
    private final List<Fragment> fragments = new ArrayList<>();
    private final Map<Integer, Fragment.Tool> tools = new HashMap<>();
    private int lastTool = NO_INDEX;
    private boolean spokeWithoutRole;
    private boolean roleCameAgain;
    private String model = "";
    private String finishReason = "unknown";
    private Usage usage = Usage.NONE;
    private @Nullable String cost;
    private boolean answered;
    private boolean restarted;

    public ReplyDraft(Deltas deltas) {
        this.deltas = deltas;
    }

    public void add(Chunk chunk) {
        Chunk.Choice choice = chunk.choice;
        if (choice != null) {
            answered = true;
            if (startsAgain(choice, chunk.model)) {
                restart();
            }
            add(choice);
        }
        if (!chunk.model.isEmpty()) {
            model = chunk.model;
        }
        if (chunk.usage != null) {
            usage = chunk.usage;
        }
        if (chunk.cost != null) {
            cost = chunk.cost;
        }
    }

    /**
     * Whether a gateway has fallen back to another deployment, which writes the reply anew: the role comes once more. Some
     * servers repeat the role in every delta of one reply; those never send one without it. Others repeat it with nothing at the end
     * of the reply: when the model is the same too, only what is said after it tells which it was.
     */
    private boolean startsAgain(Chunk.Choice choice, String newModel) {
        if (fragments.isEmpty()) {
            return false;
        }
        if (choice.role != null) {
            if (!model.isEmpty() && !newModel.isEmpty() && !newModel.equals(model)) {
                return true;
            }
            roleCameAgain |= spokeWithoutRole;
        }
        return roleCameAgain && choice.saysSomething();
    }

    private void restart() {
        fragments.clear();
        tools.clear();
        lastTool = NO_INDEX;
        spokeWithoutRole = false;
        roleCameAgain = false;
        finishReason = "unknown";
        usage = Usage.NONE;
        cost = null;
        restarted = true;
        // Those of the chunk that starts again, too: the next one repeats what matters.
        details.clear();
        deltas.discard();
    }

    private void add(Chunk.Choice choice) {
        spokeWithoutRole |= choice.role == null && choice.saysSomething();
        addThinking(choice);
        if (!choice.text.isEmpty()) {
            last(Fragment.Text.class, Fragment.Text::new).text.append(choice.text);
            deltas.text(choice.text);
        }
        choice.toolPieces.forEach(this::addTool);
        choice.others.forEach(other -> fragments.add(new Fragment.Other(other)));
        if (choice.finishReason != null) {
            finishReason = choice.finishReason;
        }
    }

    private void addThinking(Chunk.Choice choice) {
        if (choice.thinking.isEmpty() && choice.thinkingBlocks.isEmpty()) {
            return;
        }
        Fragment.Thinking thinking = last(Fragment.Thinking.class, Fragment.Thinking::new);
        StringBuilder inBlocks = new StringBuilder();
        choice.thinkingBlocks.forEach(
                block -> inBlocks.append(block.path("thinking").asString("")));
        choice.thinkingBlocks.forEach(thinking::add);
        String more = choice.thinking.isEmpty() ? inBlocks.toString() : choice.thinking;
        thinking.text.append(more);
        if (!more.isEmpty()) {
            deltas.thinking(more);
        }
    }

    /** Pieces of parallel calls come mixed, told apart by index, or without one by a new id; an index may be any number. */
    private void addTool(Chunk.ToolPiece piece) {
        int index = piece.index != null ? piece.index : guessedIndex(piece);
        Fragment.Tool tool = tools.get(index);
        // Some servers give every call the index 0.
        boolean another = tool != null
                && !piece.id.isEmpty()
                && !piece.name.isEmpty()
                && !tool.id.equals(piece.id)
                && !tool.id.isEmpty();
        if (tool == null || another) {
            tool = new Fragment.Tool();
            tools.put(index, tool);
            fragments.add(tool);
        }
        tool.add(piece);
        lastTool = index;
    }

    private int guessedIndex(Chunk.ToolPiece piece) {
        if (piece.id.isEmpty() && piece.name.isEmpty()) {
            return lastTool;
        }
        for (Map.Entry<Integer, Fragment.Tool> tool : tools.entrySet()) {
            if (!piece.id.isEmpty() && tool.getValue().id.equals(piece.id)) {
                return tool.getKey();
            }
        }
        // Below any index that a server counts with.
        return NO_INDEX + 1 + tools.size();
    }

    private <F extends Fragment> F last(Class<F> kind, Supplier<F> maker) {
        Fragment last = fragments.isEmpty() ? null : fragments.get(fragments.size() - 1);
        if (kind.isInstance(last)) {
            return kind.cast(last);
        }
        F made = maker.get();
        fragments.add(made);
        return made;
    }

    /** Whether any choice has come. */
    public boolean answered() {
        return answered;
    }

    /** Whether another deployment than the first has written the reply. */
    public boolean restarted() {
        return restarted;
    }

    /** @throws NotTheProtocolException when a tool call has no name */
    public List<Part> parts() {
        List<Part> parts = new ArrayList<>(fragments.size());
        for (Fragment fragment : fragments) {
            Part part = fragment.part();
            if (part instanceof Part.ToolUse use && use.name().isBlank()) {
                throw new NotTheProtocolException("a tool call without a name");
            }
            parts.add(part);
        }
        return parts;
    }

    public String model() {
        return model;
    }

    public String finishReason() {
        return finishReason;
    }

    public Usage usage() {
        return usage;
    }

    /** To be given to whoever reads the chunks. */
    public Details details() {
        return details;
    }

    @Nullable
    public String cost() {
        return cost;
    }
}
