package dev.perdure.examples.review;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the scripted reviewer learns from the results of its commands. */
record Survey(
        List<String> files,
        Map<String, Long> words,
        Map<String, Long> headings,
        List<String> marks,
        List<String> links) {
    static final String FILES = "find . -type f | LC_ALL=C sort";
    static final String WORDS = "find . -type f -exec wc -w {} + | sort -rn";
    static final String HEADINGS = "grep -rc '^#' . | LC_ALL=C sort";
    static final String MARKS = "grep -rnE 'TODO|FIXME|XXX' . || true";
    /** Takes a second, so that a crash can catch it at work. */
    static final String LINKS = """
            sleep 1; find . -name '*.md' | while IFS= read -r f; do
              grep -o '](\\([^):# ]*\\))' "$f" | sed 's/^](//; s/)$//' | while IFS= read -r to; do
                case $to in ../*|/*|'') ;; *) [ -e "$(dirname "$f")/$to" ] || echo "$f links to $to, which is not there";; esac
              done
            done""";

    static Survey of(Answers answers) {
        Map<String, Long> words = new LinkedHashMap<>();
        for (String line : answers.printed(WORDS)) {
            String[] fields = line.trim().split(" +", 2);
            if (fields.length == 2 && fields[1].startsWith("./")) {
                words.put(name(fields[1]), Long.parseLong(fields[0]));
            }
        }
        Map<String, Long> headings = new LinkedHashMap<>();
        for (String line : answers.printed(HEADINGS)) {
            int colon = line.lastIndexOf(':');
            if (colon > 0) {
                headings.put(name(line.substring(0, colon)), Long.parseLong(line.substring(colon + 1)));
            }
        }
        List<String> files = answers.printed(FILES).stream().map(Survey::name).toList();
        List<String> marks = answers.printed(MARKS).stream().map(Survey::name).toList();
        List<String> links = answers.printed(LINKS).stream().map(Survey::name).toList();
        return new Survey(files, words, headings, marks, links);
    }

    private static String name(String path) {
        return path.startsWith("./") ? path.substring(2) : path;
    }

    long allWords() {
        return words.values().stream().mapToLong(Long::longValue).sum();
    }

    private String shortest() {
        Map.Entry<String, Long> last = List.copyOf(words.entrySet()).get(words.size() - 1);
        return last.getKey() + " is the shortest file, with " + last.getValue() + " words";
    }

    /** One sentence each. */
    List<String> findings() {
        List<String> findings = new ArrayList<>();
        words.entrySet().stream()
                .findFirst()
                .ifPresent(longest -> findings.add(longest.getKey() + " is the longest file, with " + longest.getValue()
                        + " words: can it be split?"));
        if (words.size() > 1) {
            findings.add(shortest() + ": does it say enough?");
        }
        List<String> bare = files.stream()
                .filter(file -> headings.getOrDefault(file, 0L) == 0)
                .toList();
        if (!bare.isEmpty()) {
            findings.add(bare.size() + " of " + files.size() + " files have no heading, the first is " + bare.get(0));
        }
        if (!marks.isEmpty()) {
            findings.add(marks.size() + " lines are marked TODO, FIXME or XXX, the first is " + marks.get(0));
        }
        return findings;
    }
}
