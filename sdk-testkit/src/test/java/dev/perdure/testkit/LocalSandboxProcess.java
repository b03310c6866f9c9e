package dev.perdure.testkit;

import dev.perdure.LocalSandbox;
import dev.perdure.LocalSandbox.Isolation;
import dev.perdure.sandbox.Command;
import dev.perdure.sandbox.Sandbox;
import dev.perdure.session.Interruption;
import dev.perdure.session.SessionId;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A JVM that starts commands {@code 0}, {@code 1}, … for each line of its input and prints what came out of each; with a {@code #} in
 * its command line, which stands for the number, it starts them one after the other without being asked.
 */
final class LocalSandboxProcess {
    private LocalSandboxProcess() {}

    public static void main(String[] words) throws IOException {
        Sandbox sandbox = LocalSandbox.inFolder(Path.of(words[0]))
                .isolation(Isolation.valueOf(words[1]))
                .open(SessionId.of("test", words[2]), 1);
        String line = words[3];
        say("ready");
        for (int i = 0; line.contains("#") || System.in.read() >= 0; i++) {
            Command command =
                    Command.shell(line.replace("#", Integer.toString(i))).id(Integer.toString(i));
            var execution = sandbox.start(command);
            say("started " + i);
            if (!line.contains("#")) {
                say(execution.await(Interruption.never()).outputText().trim());
            }
        }
    }

    private static void say(String text) {
        System.out.println(text);
        System.out.flush();
    }
}
