package dev.perdure.internal.sandbox;

import dev.perdure.sandbox.SandboxException;
import dev.perdure.sandbox.SandboxException.Kind;
import java.util.ArrayList;
import java.util.List;

/** Starts a program in a session and process group of its own, which a signal to somebody else's group does not reach. */
final class Detached {
    private Detached() {}

    static List<String> words(List<String> program) {
        List<String> words = new ArrayList<>();
        if (Commands.find("setsid").isPresent()) {
            words.add("setsid");
        } else if (Commands.find("perl").isPresent()) {
            // macOS
            words.addAll(List.of("perl", "-e", "use POSIX; POSIX::setsid(); exec @ARGV or exit 127"));
        } else {
            throw new SandboxException(Kind.UNAVAILABLE, "neither setsid nor perl is on " + Commands.PATH, null);
        }
        words.addAll(program);
        return words;
    }
}
