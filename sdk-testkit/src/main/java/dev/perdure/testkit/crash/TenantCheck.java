package dev.perdure.testkit.crash;

import dev.perdure.session.Event;
import dev.perdure.session.Part;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.spi.SessionStore;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** Nothing of one session is found in another, least of all another tenant's: neither what was sent, nor what was called, nor bytes. */
final class TenantCheck {
    private final SessionStore store;

    TenantCheck(SessionStore store) {
        this.store = store;
    }

    List<Violation> check(SessionId session, List<Recorded> log, List<SessionId> all) {
        List<Violation> found = new ArrayList<>();
        Consumer<String> wrong = LogChecker.report(found, "P9", session);
        for (Recorded event : log) {
            if (event.event() instanceof Event.InputReceived input) {
                parts(event, input.parts(), session, wrong);
            } else if (event.event() instanceof Event.ModelReplied reply) {
                parts(event, reply.parts(), session, wrong);
            } else if (event.event() instanceof Event.ArtifactSaved saved) {
                blobs(session, saved, all, wrong);
            }
        }
        return found;
    }

    private static void parts(Recorded event, List<Part> parts, SessionId session, Consumer<String> wrong) {
        for (Part part : parts) {
            String text = part instanceof Part.Text said ? said.text() : "";
            if (part instanceof Part.ToolUse use) {
                text = use.arguments();
            }
            if (strange(text, session)) {
                wrong.accept(event + " is about another session: " + text);
            }
        }
    }

    /** Every text that a child sends says for whom it is. */
    static boolean strange(String text, SessionId session) {
        int to = text.indexOf(" to ");
        return to >= 0 && !text.startsWith(session.toString(), to + 4);
    }

    private void blobs(SessionId session, Event.ArtifactSaved saved, List<SessionId> all, Consumer<String> wrong) {
        byte[] own = store.blobs().find(session, saved.content()).orElse(new byte[0]);
        if (!Arrays.equals(own, CrashAgent.kept(session))) {
            wrong.accept("the bytes of " + saved.name() + " are \"" + new String(own, StandardCharsets.UTF_8) + "\"");
        }
        all.stream()
                .filter(other -> !other.equals(session)
                        && store.blobs().find(other, saved.content()).isPresent())
                .forEach(other -> wrong.accept("its bytes of " + saved.name() + " are found in " + other + " too"));
    }
}
