package dev.perdure.internal.sandbox;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A path in a workspace as the names on its way; none of them is {@code ..}. */
record WorkspacePath(List<String> names) {
    /**
     * @param text relative, with slashes; empty and {@code .} are the workspace itself
     * @throws IllegalArgumentException when it leads outside
     */
    static WorkspacePath of(String text) {
        if (text.startsWith("/") || text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a path is relative to the workspace, but this is \"" + text + "\"");
        }
        List<String> names = new ArrayList<>();
        for (String name : text.split("/", -1)) {
            if (name.equals("..")) {
                if (names.isEmpty()) {
                    throw outside(text);
                }
                names.remove(names.size() - 1);
            } else if (!name.isEmpty() && !name.equals(".")) {
                names.add(name);
            }
        }
        return new WorkspacePath(List.copyOf(names));
    }

    /** A path that must not be the workspace itself. */
    static WorkspacePath file(String text) {
        WorkspacePath path = of(text);
        if (path.names.isEmpty()) {
            throw new IllegalArgumentException("this is the workspace, not a file in it: \"" + text + "\"");
        }
        return path;
    }

    /** @param below relative */
    WorkspacePath plus(Path below) {
        List<String> more = new ArrayList<>(names);
        below.forEach(name -> more.add(name.toString()));
        more.removeIf(String::isEmpty); // the name of no step at all
        return new WorkspacePath(List.copyOf(more));
    }

    List<String> folders() {
        return names.subList(0, names.size() - 1);
    }

    String last() {
        return names.get(names.size() - 1);
    }

    static IllegalArgumentException outside(String text) {
        return new IllegalArgumentException("leads out of the workspace: \"" + text + "\"");
    }

    @Override
    public String toString() {
        return String.join("/", names);
    }
}
