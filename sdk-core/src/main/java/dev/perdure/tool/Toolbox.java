package dev.perdure.tool;

import dev.perdure.model.ToolSpec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The tools of an agent, by name, in the order in which the model is told of them. Immutable. */
public final class Toolbox {
    private static final Toolbox EMPTY = new Toolbox(Map.of());

    private final Map<String, Tool> tools;
    private final List<ToolSpec> specs;

    private Toolbox(Map<String, Tool> tools) {
        this.tools = tools;
        this.specs = tools.values().stream().map(Tool::spec).toList();
    }

    public static Toolbox empty() {
        return EMPTY;
    }

    /** @throws IllegalArgumentException when two have the same name */
    public static Toolbox of(Tool... tools) {
        return EMPTY.plus(List.of(tools));
    }

    /**
     * A tool for each method of {@code object} with {@link ToolMethod}.
     *
     * @throws IllegalArgumentException when there is none, or one cannot be a tool; says why
     */
    public static Toolbox from(Object object) {
        return EMPTY.plus(ToolMethods.of(object));
    }

    /** @throws IllegalArgumentException when two have the same name */
    public Toolbox plus(Collection<Tool> more) {
        Map<String, Tool> all = new LinkedHashMap<>(tools);
        for (Tool tool : more) {
            if (all.putIfAbsent(tool.name(), tool) != null) {
                throw new IllegalArgumentException("two tools are named \"" + tool.name() + "\": rename one");
            }
        }
        return new Toolbox(java.util.Collections.unmodifiableMap(all));
    }

    public Optional<Tool> find(String name) {
        return Optional.ofNullable(tools.get(name));
    }

    public Set<String> names() {
        return tools.keySet();
    }

    public List<Tool> tools() {
        return new ArrayList<>(tools.values());
    }

    public List<ToolSpec> specs() {
        return specs;
    }

    @Override
    public String toString() {
        return "Toolbox" + tools.keySet();
    }
}
