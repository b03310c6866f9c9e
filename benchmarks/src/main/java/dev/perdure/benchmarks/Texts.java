package dev.perdure.benchmarks;

import dev.perdure.session.Event;
import dev.perdure.session.Json;
import java.util.Base64;
import java.util.Random;

/** Random texts, of which neither a database nor a disk can save anything by compression. Confined. */
final class Texts {
    static final long SEED = 4711;
    /** A kilobyte. */
    static final int KB = 1_024;

    private static final int ENVELOPE = note("").json().text().length();

    private final Random random = new Random(SEED);

    /** A text of {@code length} characters, each of one byte. */
    String next(int length) {
        byte[] bytes = new byte[length * 3 / 4 + 1];
        random.nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes).substring(0, length);
    }

    /** An event whose stored form has 1,024 bytes. */
    Event event() {
        return note(next(KB - ENVELOPE));
    }

    private static Event note(String text) {
        return new Event.NoteKept("note", Json.of(text));
    }
}
