package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChaosTest {
    @TempDir
    Path temporary;

    @Test
    void unknownArgument_isOneLine() throws Exception {
        refused("unknown argument --kils", "--kils", "3");
    }

    @Test
    void argumentWithoutItsValue_isOneLine() throws Exception {
        refused("--kills needs a value", "--kills");
    }

    @Test
    void numberThatIsNone_isOneLine() throws Exception {
        refused("--kills is a whole number of at least 1, but this is abc", "--kills", "abc");
    }

    @Test
    void storeThatThereIsNot_isOneLine() throws Exception {
        refused("--store is mariadb or postgres or sqlite, but this is nope", "--store", "nope");
    }

    @Test
    void faultThatThereIsNot_isOneLine() throws Exception {
        refused(
                "--faults is none, or proxy and restart with a comma between, but this is proxy,fire",
                "--store",
                "postgres",
                "--faults",
                "proxy,fire");
    }

    @Test
    void faultsOfAStoreWithoutServer_areOneLine() throws Exception {
        refused(
                "--faults restart goes with a store that has a server, and --store sqlite has none",
                "--store",
                "sqlite",
                "--faults",
                "restart");
    }

    @Test
    void urlOfAStoreWithoutServer_isOneLine() throws Exception {
        refused("--url goes with a store that has a server, and --store sqlite has none", "--url", "jdbc:x");
    }

    @Test
    void killOfAServerThatIsNamed_isOneLine() throws Exception {
        refused(
                "--faults restart would kill the server at --url, which is not ours to kill; there is proxy, or none",
                "--store",
                "postgres",
                "--url",
                "jdbc:postgresql://127.0.0.1/x",
                "--faults",
                "restart");
    }

    @Test
    void urlThatIsNone_isOneLine_andIsNotQuoted() throws Exception {
        refused("--url is a JDBC URL with one host", "--store", "postgres", "--url", "postgres:secret");
    }

    @Test
    void serverThatIsDown_isOneLine_withTheAddress_andNotTheUrl() throws Exception {
        int port;
        try (ServerSocket nobody = new ServerSocket(0)) {
            port = nobody.getLocalPort();
        }
        Path folder = temporary.resolveSibling(temporary.getFileName() + "-run");
        for (String store : List.of("postgres", "mariadb")) {
            String scheme = store.equals("postgres") ? "postgresql" : store;
            String url = "jdbc:" + scheme + "://127.0.0.1:" + port + "/x?user=u&password=secret";
            refused(
                    "--url leads to 127.0.0.1:" + port + ", where no server lets this in",
                    "--store",
                    store,
                    "--folder",
                    folder.toString(),
                    "--url",
                    url);
        }
        assertThat(folder).isEmptyDirectory();
        Files.delete(folder);
    }

    @Test
    void folderThatCannotBeMade_orIsInUse_isOneLine() throws Exception {
        Path file = Files.createTempFile("perdure", "file");
        refused(
                "--folder " + file.resolve("nope") + " cannot be made",
                "--folder",
                file.resolve("nope").toString());
        refused(
                "--folder " + file.getParent() + " is not empty",
                "--folder",
                file.getParent().toString());
        Files.delete(file);
    }

    private void refused(String why, String... arguments) throws Exception {
        try (Program chaos = Program.of(Chaos.class).temporary(temporary).with(arguments)) {
            Program.Ended ended = chaos.end();
            assertThat(ended.err()).startsWith("chaos: " + why).hasLineCount(1).doesNotContain("secret");
            assertThat(ended.out()).isEmpty();
            assertThat(ended.status()).isEqualTo(2);
        }
        assertThat(temporary).isEmptyDirectory();
    }
}
