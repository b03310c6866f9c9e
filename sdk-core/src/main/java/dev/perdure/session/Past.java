package dev.perdure.session;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The events before a snapshot, read when somebody looks at them, and kept. Thread-safe without a lock: events never change, so that two threads that read the
 * same ones at a time do no harm.
 */
final class Past {
    private static final int FIRST = 100;
    private static final int MOST = 1_000;

    private final SessionId session;
    private final int size;
    private final int wanted;
    private final SessionView.PastReader reader;
    private volatile Recorded @Nullable [] events;
    private volatile int ahead = FIRST;

    /**
     * @param size how many there are
     * @param wanted number of the event after which whoever goes on with the conversation will look
     */
    Past(SessionId session, int size, long wanted, SessionView.PastReader reader) {
        this.session = session;
        this.size = size;
        this.wanted = (int) Math.min(wanted, size);
        this.reader = reader;
    }

    /** No events. */
    static Past none(SessionId session) {
        return new Past(session, 0, 0, (after, limit) -> List.of());
    }

    int size() {
        return size;
    }

    Recorded get(int index) {
        Recorded[] known = events;
        if (known == null) {
            known = new Recorded[size];
            events = known;
        }
        Recorded event = known[index];
        return event == null ? read(known, index) : event;
    }

    /** Reads forwards from the event, or backwards to it when the one after it is known; the more, the longer somebody goes on. */
    private Recorded read(Recorded[] known, int index) {
        int from = index;
        int to = Math.min(size, index + ahead);
        if (index >= wanted && size - wanted <= MOST) {
            from = wanted;
            to = size;
        } else if (index + 1 == size || known[index + 1] != null) {
            from = Math.max(0, index + 1 - ahead);
            to = index + 1;
        }
        ahead = Math.min(MOST, ahead * 3);
        List<Recorded> page = reader.read(from, to - from);
        if (page.size() != to - from || page.get(0).seq() != from + 1L) {
            throw new PerdureException(
                    "the log of " + session + " has no events " + (from + 1) + " to " + to + " any more",
                    true,
                    session,
                    null);
        }
        for (Recorded event : page) {
            known[(int) event.seq() - 1] = event;
        }
        return page.get(index - from);
    }
}
