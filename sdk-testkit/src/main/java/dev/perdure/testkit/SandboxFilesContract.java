package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.sandbox.Sandbox;
import dev.perdure.sandbox.Sandbox.Entry;
import dev.perdure.sandbox.SandboxException.Kind;
import dev.perdure.session.SessionId;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every sandbox does with files. */
abstract class SandboxFilesContract extends SandboxFixture {
    @TempDir
    Path here;

    @Test
    void write_makesAFileAndTheFoldersAboveIt() {
        write("a/b/c.txt", "hello");
        assertThat(output("cat a/b/c.txt")).isEqualTo("hello");
    }

    @Test
    void write_replacesAFile() {
        write("f", "a longer text");
        write("f", "short");
        assertThat(content("f")).isEqualTo("short");
    }

    @Test
    void write_keepsEveryByte() {
        byte[] bytes = {0, (byte) 0xff, '\r', '\n', (byte) 0xc3, 0};
        sandbox.write("bytes", bytes);
        assertThat(sandbox.read("bytes", 100))
                .hasValueSatisfying(read -> assertThat(read).isEqualTo(bytes));
        sandbox.write("empty", new byte[0]);
        assertThat(sandbox.read("empty", 100))
                .hasValueSatisfying(read -> assertThat(read).isEmpty());
    }

    @Test
    void read_returnsAtMostTheLimitFromTheStart() {
        write("f", "0123456789");
        assertThat(sandbox.read("f", 4))
                .hasValueSatisfying(read -> assertThat(read).isEqualTo("0123".getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void read_ofNoFile_isEmpty() {
        assertThat(sandbox.read("none", 10)).isEmpty();
        assertThat(sandbox.read("no/such/folder", 10)).isEmpty();
    }

    @Test
    void read_seesWhatACommandWrote() {
        run("mkdir -p d && echo from the command >d/f");
        assertThat(content("d/f")).isEqualTo("from the command\n");
    }

    @Test
    void list_isWhatIsDirectlyInAFolder_byName() {
        run("mkdir -p d/sub/deep && printf 12345 >d/b && : >d/a");
        assertThat(sandbox.list("d"))
                .containsExactly(new Entry("a", false, 0), new Entry("b", false, 5), new Entry("sub", true, 0));
        assertThat(sandbox.list("")).containsExactly(new Entry("d", true, 0));
    }

    @Test
    void list_ofNoFolder_isEmpty() {
        assertThat(sandbox.list("none")).isEmpty();
        assertThat(sandbox.list("none/below")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/etc", "..", "../x", "a/../../x", "/"})
    void pathsThatLeadOutside_areRefused(String path) {
        assertOutside(path);
    }

    @ParameterizedTest
    @ValueSource(strings = {"absolute", "absolute/below", "relative", "relative/below", "folder/relative"})
    void linksThatLeadOutside_areRefused(String path) {
        run("mkdir folder && ln -s /etc absolute && ln -s ../../../.. relative && ln -s ../.. folder/relative");
        assertOutside(path);
    }

    private void assertOutside(String path) {
        assertRefused(() -> sandbox.write(path, new byte[1]));
        assertRefused(() -> sandbox.read(path, 1));
        assertRefused(() -> sandbox.list(path));
        assertRefused(() -> sandbox.download(path, here));
        assertRefused(() -> sandbox.upload(here, path));
    }

    private static void assertRefused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void pathsThatStayInside_areTheSameFile() {
        write("a/f", "text");
        assertThat(content("./a//f")).isEqualTo("text");
        assertThat(content("a/b/../f")).isEqualTo("text");
    }

    @Test
    void upload_copiesAFolderOverWhatIsThere() throws IOException {
        Files.createDirectories(here.resolve("sub/empty"));
        Files.writeString(here.resolve("sub/f"), "new");
        write("to/sub/f", "old");
        write("to/kept", "kept");
        sandbox.upload(here, "to");
        assertThat(output("cd to && find . | sort | tr '\\n' ' '; cat sub/f"))
                .isEqualTo(". ./kept ./sub ./sub/empty ./sub/f new");
    }

    @Test
    void download_copiesAFolderOverWhatIsThere() throws IOException {
        run("mkdir -p from/sub/empty && printf new >from/sub/f");
        Files.createDirectories(here.resolve("sub"));
        Files.writeString(here.resolve("sub/f"), "old");
        Files.writeString(here.resolve("kept"), "kept");
        sandbox.download("from", here);
        assertThat(here.resolve("sub/f")).hasContent("new");
        assertThat(here.resolve("sub/empty")).isDirectory();
        assertThat(here.resolve("kept")).hasContent("kept");
    }

    @Test
    void download_bringsNothingFromOutside() {
        run("mkdir d && ln -s /etc/passwd d/file && ln -s /etc d/folder && echo x >d/mine");
        sandbox.download("d", here);
        assertThat(here.resolve("mine")).exists();
        assertThat(here.resolve("file"))
                .satisfiesAnyOf(
                        link -> assertThat(link).doesNotExist(),
                        link -> assertThat(link).isSymbolicLink());
        assertThat(here.resolve("folder/passwd")).doesNotExist();
    }

    @Test
    void restore_replacesTheWholeWorkspaceByASavedOne() {
        run("mkdir -p d/empty && printf saved >d/f && printf 'echo ran' >d/run && chmod +x d/run");
        byte[] saved = save();
        run("rm -r d && printf later >other");
        sandbox.restore(new ByteArrayInputStream(saved));
        assertThat(output("find . | sort | tr '\\n' ' '; cat d/f")).isEqualTo(". ./d ./d/empty ./d/f ./d/run saved");
        assertThat(output("d/run")).isEqualTo("ran\n");
    }

    @Test
    void restore_worksInAnotherSandbox() {
        write("d/f", "text");
        byte[] saved = save();
        SessionId other = SessionId.of("contract", UUID.randomUUID().toString());
        try (Sandbox second = provider().open(other, FENCE)) {
            second.restore(new ByteArrayInputStream(saved));
            assertThat(second.read("d/f", 10)).isPresent();
        }
    }

    @Test
    void restore_ofAnEmptyWorkspace_leavesNothing() {
        byte[] saved = save();
        write("f", "text");
        sandbox.restore(new ByteArrayInputStream(saved));
        assertThat(sandbox.list("")).isEmpty();
    }

    @Test
    void restore_ofSomethingElse_isRefusedAndChangesNothing() {
        write("f", "text");
        assertKind(
                Kind.REFUSED,
                () -> sandbox.restore(new ByteArrayInputStream("no workspace".getBytes(StandardCharsets.UTF_8))));
        assertThat(content("f")).isEqualTo("text");
    }

    @Test
    void save_bringsNothingFromOutside() {
        run("ln -s /etc/passwd file && ln -s /etc folder && echo x >mine");
        byte[] saved = save();
        run("rm file folder mine");
        sandbox.restore(new ByteArrayInputStream(saved));
        assertThat(sandbox.list("")).extracting(Entry::name).contains("mine");
        assertThat(output("[ -L file ] || cat file; [ -L folder ] || ls folder"))
                .isEmpty();
    }

    @Test
    void aCommandThatRemovesItsWorkspace_leavesAUsableSandbox() {
        write("f", "text");
        run("rm -rf \"$HOME\"");
        assertThat(sandbox.list("")).isEmpty();
        write("g", "again");
        assertThat(List.of(output("cat g").split("\n"))).containsExactly("again");
    }

    private byte[] save() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        sandbox.save(out);
        return out.toByteArray();
    }
}
