package dev.perdure.internal.sandbox;

import java.util.List;
import java.util.stream.Collectors;

/** Words for a POSIX shell. */
final class Quoted {
    private Quoted() {}

    static String word(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a word of a command cannot have a zero character");
        }
        return "'" + text.replace("'", "'\\''") + "'";
    }

    static String words(List<String> words) {
        return words.stream().map(Quoted::word).collect(Collectors.joining(" "));
    }
}
