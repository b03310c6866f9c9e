package dev.perdure.examples;

import dev.perdure.session.jdbc.JdbcOptions;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.session.jdbc.JdbcSessionStore.Product;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Prints the statements that make the tables, for whoever may make tables.
 *
 * <pre>{@code examples/run ddl --store postgres [--schema NAME] [--prefix NAME] > perdure.sql}</pre>
 */
public final class Ddl {
    private static final Map<String, Product> STORES = Map.of(
            "sqlite", Product.SQLITE,
            "postgres", Product.POSTGRESQL,
            "mariadb", Product.MARIADB,
            "mysql", Product.MYSQL,
            "h2", Product.H2);
    private static final String USAGE =
            "usage: examples/run ddl --store sqlite|postgres|mariadb|mysql|h2 [--schema NAME] [--prefix NAME]";

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
        Product product = null;
        JdbcOptions options = JdbcOptions.standard();
        for (int i = 0; i < arguments.size(); i += 2) {
            String name = arguments.get(i);
            if (i + 1 == arguments.size()) {
                throw new IllegalArgumentException(name + " needs a value; " + USAGE);
            }
            String value = arguments.get(i + 1);
            switch (name) {
                case "--store" -> product = STORES.get(value.toLowerCase(Locale.ROOT));
                case "--schema" -> options = options.schema(value);
                case "--prefix" -> options = options.tablePrefix(value);
                default -> throw new IllegalArgumentException("unknown argument " + name + "; " + USAGE);
            }
        }
        if (product == null) {
            throw new IllegalArgumentException("no store of that name; " + USAGE);
        }
        return JdbcSessionStore.ddl(product, options);
    }
}
