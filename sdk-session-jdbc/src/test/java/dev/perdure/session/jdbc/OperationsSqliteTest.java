package dev.perdure.session.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.SessionStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OperationsSqliteTest extends OperationsContract {
    private static final Path SOURCE = Path.of("src/test/java/dev/perdure/session/jdbc/OperationsContract.java");
    private static final Pattern NOTES = Pattern.compile("//[^\n]*|\\s");

    @TempDir
    Path folder;

    @Override
    SessionStore opened(BodyCodec codec) {
        return JdbcSessionStore.sqlite(
                folder.resolve("sessions.db"), SqliteOptions.standard().codec(codec));
    }

    @Override
    Connection connection() throws SQLException {
        return DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("sessions.db"));
    }

    @Override
    String query(String name) {
        return OperationsPage.read().query(name, 3);
    }

    @Override
    void drop() {}

    /** So that none is on the page that nobody has run. */
    @Test
    void everyQueryOfThePage_isRunByATest() throws IOException {
        String source = Files.readString(SOURCE);
        assertThat(OperationsPage.read().queries().keySet())
                .hasSize(9)
                .allSatisfy(name -> assertThat(source).contains("rows(\"" + name + "\")"));
    }

    /** Each statement of the page, but for layout and comments; blank lines part what a test has in several places. */
    @Test
    void everyJavaStatementOfThePage_isRunByATest() throws IOException {
        String source = bare(Files.readString(SOURCE));
        assertThat(OperationsPage.read().java()).isNotEmpty().allSatisfy(block -> {
            for (String part : block.split("\n\n", -1)) {
                assertThat(source).contains(bare(part));
            }
        });
    }

    private static String bare(String java) {
        return NOTES.matcher(java).replaceAll("");
    }
}
