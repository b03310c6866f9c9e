package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTest {
    /** Takes seconds to answer, as the scripted model repeats it word by word. */
    private static final String LONG =
            IntStream.rangeClosed(1, 150).mapToObj(i -> "word" + i).collect(Collectors.joining(" "));

    @TempDir
    Path folder;

    @Test
    void chat_remembers_inAnotherProcess() throws Exception {
        Program.Ended first = say("hello\n");
        assertThat(first.out()).isEqualTo("I have seen 1 message of yours: \"hello\".\n");
        assertThat(first.err()).startsWith("model: scripted");

        Program.Ended second = say("and now?\n/history\n");
        assertThat(second.lines())
                .startsWith("I have seen 2 messages of yours. The first was \"hello\", this one is \"and now?\".")
                .contains("you:   hello");
        assertThat(second.err()).contains("agent: I have seen 1 message");
        assertThat(List.of(first.status(), second.status())).containsOnly(0);
    }

    @Test
    void sessions_doNotMeet() throws Exception {
        say("hello\n");
        assertThat(say("other\n", "--session", "another").out()).contains("1 message of yours: \"other\"");
    }

    @Test
    void turnLeftOpenByAKilledChat_isFinishedAtTheNextStart() throws Exception {
        try (Program killed = start().type(LONG + "\n").awaitText("word3 ")) {
            killed.signal("KILL");
            assertThat(killed.awaitEnd().out()).doesNotContain("word150");
        }
        Program.Ended next = say("");
        assertThat(next.out()).contains("word150");
        assertThat(next.err()).contains("not finished");
        assertThat(next.status()).isZero();
    }

    @Test
    void ctrlC_interruptsTheTurn_notTheSession() throws Exception {
        try (Program chat = start("-Dperdure.terminal=true").type(LONG + "\n").awaitText("word3 ")) {
            chat.signal("INT");
            chat.awaitText("[Interrupted");
            Program.Ended ended = chat.type("still there?\n").end();
            assertThat(ended.out()).contains("I have seen 2 messages").doesNotContain("word149 word150\".\n>");
            assertThat(ended.status()).isZero();
        }
    }

    @Test
    void interruptCommand_stopsTheAnswer() throws Exception {
        try (Program chat = start().type(LONG + "\n").awaitText("word3 ")) {
            Program.Ended ended = chat.type("/interrupt\n").end();
            assertThat(ended.err()).contains("[Interrupted");
            assertThat(ended.out()).doesNotContain("word150");
        }
    }

    @Test
    void unknownArgument_isOneLine() throws Exception {
        Program.Ended ended = say("", "--what");
        assertThat(ended.status()).isEqualTo(2);
        assertThat(ended.err()).startsWith("chat: unknown argument --what").hasLineCount(1);
    }

    @Test
    void databaseThatIsAFolder_isOneLine() throws Exception {
        try (Program chat = Program.of(Chat.class).with("--db", folder.toString())) {
            Program.Ended ended = chat.end();
            assertThat(ended.status()).isEqualTo(2);
            assertThat(ended.err().lines().toList()).last().asString().startsWith("chat: ");
            assertThat(ended.err()).doesNotContain("\tat ");
        }
    }

    private Program.Ended say(String lines, String... arguments) throws Exception {
        String[] all = new String[arguments.length + 2];
        all[0] = "--db";
        all[1] = folder.resolve("chat.db").toString();
        System.arraycopy(arguments, 0, all, 2, arguments.length);
        try (Program chat = Program.of(Chat.class).with(all)) {
            return chat.type(lines).end();
        }
    }

    private Program start(String... options) throws IOException {
        Program.Start start = Program.of(Chat.class);
        List.of(options).forEach(start::option);
        return start.with("--db", folder.resolve("chat.db").toString());
    }
}
