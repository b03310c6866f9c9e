package dev.perdure.examples;

import dev.perdure.session.jdbc.JdbcOptions;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.session.jdbc.JdbcSessionStore.Product;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Prints the statements that make the tables, or that bring tables of version N to the newest, for whoever may make tables.
 *
 * <pre>{@code examples/run ddl --store postgres [--from N] [--schema NAME] [--prefix NAME] > perdure.sql}</pre>
 */
public final class Ddl {
    private static final Map<String, Product> STORES = new TreeMap<>(Map.of(
            "sqlite", Product.SQLITE,
            "postgres", Product.POSTGRESQL,
            "mariadb", Product.MARIADB,
            "mysql", Product.MYSQL,
            "h2", Product.H2));
    private static final Set<String> NAMES = Set.of("--store", "--from", "--schema", "--prefix");
    private static final String USAGE = "usage: examples/run ddl --store " + String.join("|", STORES.keySet())
            + " [--from VERSION] [--schema NAME] [--prefix NAME]";

    private Ddl() {}

    public static void main(String... arguments) {
        try {
            System.out.print(script(List.of(arguments)));
        } catch (IllegalArgumentException e) {
            System.err.println("ddl: " + e.getMessage());
            System.exit(2);
        }
    }

    private static String script(List<String> arguments) {
        Map<String, String> given = new HashMap<>();
        for (int i = 0; i < arguments.size(); i += 2) {
            String name = arguments.get(i);
            if (!NAMES.contains(name)) {
                throw new IllegalArgumentException("unknown argument " + name + "; " + USAGE);
            } else if (i + 1 == arguments.size()) {
                throw new IllegalArgumentException(name + " needs a value; " + USAGE);
            }
            given.put(name, arguments.get(i + 1));
        }
        Product product = product(given.get("--store"));
        int from = from(given.getOrDefault("--from", "0"));
        String schema = given.get("--schema");
        String prefix = given.get("--prefix");
        if (product == Product.SQLITE && (schema != null || prefix != null)) {
            throw new IllegalArgumentException(
                    "--schema and --prefix go with a server; the tables of a SQLite file are named perdure_…");
        }
        JdbcOptions options = JdbcOptions.standard();
        options = schema == null ? options : options.schema(schema);
        options = prefix == null ? options : options.tablePrefix(prefix);
        String script = JdbcSessionStore.ddl(product, options, from);
        return script.isEmpty() ? "-- Nothing to do: version " + from + " is the newest.\n" : script;
    }

    private static Product product(@Nullable String store) {
        if (store == null) {
            throw new IllegalArgumentException("--store is missing; " + USAGE);
        }
        Product product = STORES.get(store.toLowerCase(Locale.ROOT));
        if (product == null) {
            throw new IllegalArgumentException(
                    "--store is " + String.join(" or ", STORES.keySet()) + ", but this is " + store);
        }
        return product;
    }

    private static int from(String value) {
        try {
            return Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "--from is the version that the tables have, a whole number, but this is " + value, e);
        }
    }
}
