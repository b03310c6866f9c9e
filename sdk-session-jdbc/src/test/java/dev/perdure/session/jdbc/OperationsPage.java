package dev.perdure.session.jdbc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What {@code docs/operations.md} says to type. */
final class OperationsPage {
    private static final Path PAGE = Path.of("..", "docs", "operations.md");
    private static final Pattern BLOCK = Pattern.compile("```(sql|java)\n(.*?)```", Pattern.DOTALL);
    private static final Pattern NAME = Pattern.compile("-- (\\w+): ");
    private static final Pattern SPELLING = Pattern.compile("\\| `(.*)` \\| `(.*)` \\| `(.*)` \\|");

    private final String text;

    private OperationsPage(String text) {
        this.text = text;
    }

    static OperationsPage read() {
        try {
            return new OperationsPage(Files.readString(PAGE));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** By the name in their first line, as they are for PostgreSQL. */
    Map<String, String> queries() {
        Map<String, String> queries = new TreeMap<>();
        for (String block : blocks("sql")) {
            Matcher name = NAME.matcher(block);
            if (!name.lookingAt() || queries.put(name.group(1), block) != null) {
                throw new IllegalStateException("a query of the page has no name of its own: " + block);
            }
        }
        return queries;
    }

    /** The query as the page's table of expressions says that the database of this column wants it, PostgreSQL being 1. */
    String query(String name, int column) {
        String query = queries().get(name);
        if (query == null) {
            throw new IllegalStateException(
                    "the page has no query " + name + ", only " + queries().keySet());
        }
        for (String line : text.lines().toList()) {
            Matcher spelling = SPELLING.matcher(line);
            if (spelling.matches()) {
                query = query.replace(spelling.group(1), spelling.group(column));
            }
        }
        return query;
    }

    /** Of what an operator does at night; the chapters behind that have tests of their own. */
    List<String> java() {
        return new OperationsPage(text.substring(0, text.indexOf("\n## Retention"))).blocks("java");
    }

    private List<String> blocks(String language) {
        return BLOCK.matcher(text)
                .results()
                .filter(block -> block.group(1).equals(language))
                .map(block -> block.group(2))
                .toList();
    }
}
