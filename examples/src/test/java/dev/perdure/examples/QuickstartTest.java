package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuickstartTest {
    @TempDir
    Path temporary;

    private Path folder;

    @BeforeEach
    void makeFolder() throws IOException {
        folder = Files.createDirectories(temporary.resolve("docs/more")).getParent();
        Files.writeString(folder.resolve("guide.md"), "# Guide\nSee [more](more/notes.md) and [nothing](gone.md).\n");
        Files.writeString(folder.resolve("more/notes.md"), "TODO: write notes that are longer than the guide is now\n");
        Files.write(folder.resolve("picture.png"), new byte[] {0, 1, 2, (byte) 0xff});
    }

    @Test
    void review_killedHalfWay_isFinishedByAnotherProcess_nothingLostOrDoneTwice() throws Exception {
        Map<String, String> before = contents(folder);

        Program.Ended ended = run(folder.toString());

        assertThat(ended.status()).as(ended.out() + ended.err()).isZero();
        assertThat(ended.lastLine())
                .isEqualTo("RESULT quickstart kills=1 resumed=1 tool_calls=14 duplicate_effects=0 lost_steps=0");
        assertThat(ended.lines().get(0)).startsWith("model: scripted");
        assertThat(ended.out()).contains("TakenOver").contains("record_finding (attempt 2)");
        assertThat(contents(folder)).isEqualTo(before);
    }

    @Test
    void report_isAboutTheFolder() throws Exception {
        Program.Ended ended = run(folder.toString());

        String report = Files.readString(Path.of(ended.lines().stream()
                .filter(line -> line.startsWith("report:"))
                .findFirst()
                .orElseThrow()
                .substring("report:".length())
                .strip()));
        assertThat(report)
                .contains("| guide.md | 6 | 1 |")
                .contains("1 lines are marked TODO")
                .contains("guide.md links to gone.md")
                .doesNotContain("picture.png");
    }

    @Test
    void noSuchFolder_isOneLine() throws Exception {
        refused("quickstart: no such folder: " + temporary.resolve("nowhere"), temporary.resolve("nowhere"));
    }

    @Test
    void file_isOneLine() throws Exception {
        refused("quickstart: not a folder: " + folder.resolve("guide.md"), folder.resolve("guide.md"));
    }

    @Test
    void folderWithoutText_isOneLine() throws Exception {
        Path empty = Files.createDirectory(temporary.resolve("empty"));
        refused("quickstart: no text files in folder: " + empty, empty);
    }

    @Test
    void unreadableFolder_isOneLine() throws Exception {
        Path closed = Files.createDirectory(
                temporary.resolve("closed"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("---------")));
        assumeFalse(Files.isReadable(closed), "this user may read everything");
        refused("quickstart: cannot read folder: " + closed, closed);
    }

    @Test
    void halfAGateway_isOneLine() throws Exception {
        Program.Ended ended = Program.of(Quickstart.class)
                .environment(Map.of("LITELLM_MODEL", "local"))
                .with(folder.toString())
                .end();
        assertThat(ended.status()).isEqualTo(2);
        assertThat(ended.err()).contains("LITELLM_BASE_URL is not").hasLineCount(1);
    }

    private void refused(String why, Path argument) throws Exception {
        Program.Ended ended = run(argument.toString());
        assertThat(ended.err()).isEqualTo(why + System.lineSeparator());
        assertThat(ended.out()).isEmpty();
        assertThat(ended.status()).isEqualTo(2);
    }

    private Program.Ended run(String... arguments) throws Exception {
        try (Program program = Program.of(Quickstart.class)
                .temporary(Files.createDirectories(temporary.resolve("tmp")))
                .with(arguments)) {
            return program.end();
        }
    }

    /** Names, times and bytes. */
    private static Map<String, String> contents(Path folder) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : (Iterable<Path>) all::iterator) {
                String bytes = Files.isDirectory(path) ? "" : java.util.Arrays.toString(Files.readAllBytes(path));
                contents.put(path.toString(), Files.getLastModifiedTime(path) + bytes);
            }
        }
        return contents;
    }
}
