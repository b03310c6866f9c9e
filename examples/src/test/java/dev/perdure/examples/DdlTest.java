package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DdlTest {
    @Test
    void everything_isPrintedWithoutAVersion_andOnlyWhatCameSinceWithOne() throws Exception {
        String all = printed("--store", "postgres", "--prefix", "ai_");
        assertThat(all).contains("CREATE TABLE IF NOT EXISTS ai_schema", "CREATE TABLE ai_session", "ai_snapshot");

        String upgrade = printed("--store", "postgres", "--prefix", "ai_", "--from", "1");
        assertThat(all).endsWith(upgrade);
        assertThat(upgrade).contains("CREATE TABLE ai_snapshot").doesNotContain("CREATE TABLE ai_session");

        assertThat(printed("--store", "mariadb", "--from", "3"))
                .isEqualTo("-- Nothing to do: version 3 is the newest.\n");
    }

    @Test
    void argumentThatThereIsNot_isOneLine() throws Exception {
        refused("unknown argument --foo", "--foo");
    }

    @Test
    void storeThatThereIsNot_isNamed_withThoseThatThereAre() throws Exception {
        refused("--store is h2 or mariadb or mysql or postgres or sqlite, but this is oracle", "--store", "oracle");
    }

    @Test
    void storeThatIsMissing_isOneLine() throws Exception {
        refused("--store is missing; usage: ", "--from", "1");
    }

    @Test
    void versionThatIsNone_isNamed() throws Exception {
        refused(
                "--from is the version that the tables have, a whole number, but this is x",
                "--store",
                "h2",
                "--from",
                "x");
        refused("a schema has version 0, which is none, to 3, but this is 7", "--store", "h2", "--from", "7");
    }

    @Test
    void nameOfATable_forADatabaseThatHasNone_isOneLine() throws Exception {
        refused("--schema and --prefix go with a server", "--store", "sqlite", "--prefix", "ai_");
    }

    private static String printed(String... arguments) throws Exception {
        try (Program ddl = Program.of(Ddl.class).with(arguments)) {
            Program.Ended ended = ddl.end();
            assertThat(ended.err()).isEmpty();
            assertThat(ended.status()).isZero();
            return ended.out();
        }
    }

    private static void refused(String why, String... arguments) throws Exception {
        try (Program ddl = Program.of(Ddl.class).with(arguments)) {
            Program.Ended ended = ddl.end();
            assertThat(ended.err()).startsWith("ddl: " + why).hasLineCount(1);
            assertThat(ended.out()).isEmpty();
            assertThat(ended.status()).isEqualTo(2);
        }
    }
}
