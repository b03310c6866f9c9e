package dev.perdure.session.jdbc;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jdbi.v3.core.statement.DefinedAttributeTemplateEngine;
import org.jdbi.v3.core.statement.StatementContext;
import org.jdbi.v3.core.statement.TemplateEngine;
import org.jspecify.annotations.Nullable;

/**
 * What the tables are called: all statements are written for {@code perdure_…} where the connection leads, and pass through here. Thread-safe.
 */
final class Tables implements TemplateEngine {
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]{0,29}");
    /** An index stands in the schema of its table by itself. */
    private static final Pattern OURS = Pattern.compile("((?:INDEX|KEY) (?:IF NOT EXISTS )?)?\\bperdure_");

    /** All but that of the schema itself. */
    static final List<String> OF_SESSIONS = List.of("session", "event", "inbox", "question", "snapshot", "blob", "key");

    static final Tables STANDARD = new Tables(null, "perdure_");

    private final @Nullable String schema;
    private final String prefix;
    private final Pattern names;
    private final TemplateEngine lists = new DefinedAttributeTemplateEngine();
    private final Map<String, String> known = new ConcurrentHashMap<>();

    Tables(@Nullable String schema, String prefix) {
        this.schema = schema;
        this.prefix = prefix;
        this.names = Pattern.compile("\\b" + prefix + "(schema|" + String.join("|", OF_SESSIONS) + ")");
    }

    /** Only what no database needs quotes for, so that no name can end a statement and begin another. */
    static String requireName(String what, String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    what + " has 1 to 30 small letters, digits and underscores and begins with a"
                            + " letter, but this is \"" + name + "\"");
        }
        return name;
    }

    Tables schema(String name) {
        return new Tables(name, prefix);
    }

    Tables prefix(String name) {
        return new Tables(schema, name);
    }

    @Nullable
    String schema() {
        return schema;
    }

    /** The bare name of one of our tables. */
    String named(String name) {
        return prefix + name;
    }

    /** Finds the name of one of our tables, in small letters. */
    Pattern names() {
        return names;
    }

    String in(String sql) {
        return this == STANDARD ? sql : known.computeIfAbsent(sql, this::rename);
    }

    private String rename(String sql) {
        String qualified = schema == null ? prefix : schema + "." + prefix;
        return OURS.matcher(sql).replaceAll(found -> found.group(1) == null ? qualified : found.group(1) + prefix);
    }

    @Override
    public String render(String template, StatementContext context) {
        return lists.render(in(template), context);
    }
}
