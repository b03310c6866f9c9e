package dev.perdure.internal.transfer;

import dev.perdure.session.BlobRef;
import dev.perdure.session.CallId;
import dev.perdure.session.Event;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.UnsupportedFormatException;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Image;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads a session from lines of JSON, and refuses what {@link SessionExport} cannot have written. Confined. */
public final class SessionImport {
    private final LineReader lines;
    private final Image image;

    /** Whether its name is another than it was exported under. */
    private final boolean renamed;

    private final Set<CallId> running = new HashSet<>();
    private Position last = Position.START;
    private long fence;

    private SessionImport(LineReader lines, @Nullable SessionId as) {
        this.lines = lines;
        Lines.Header header = header(lines);
        SessionId was = lines.at(() -> SessionId.of(header.tenant(), header.name()));
        SessionId id = as == null ? was : as;
        this.renamed = !id.equals(was);
        SessionInfo session = lines.at(() -> header.session(id));
        lines.skip();
        List<Image.Item> items = items(header.inboxHead());
        List<Question> questions = questions(id);
        this.image = new Image(session, header.fence(), header.head(), header.inboxHead(), items, questions);
    }

    private List<Image.Item> items(long inboxHead) {
        List<Image.Item> items = new ArrayList<>();
        Set<String> keys = new HashSet<>();
        while (lines.kind().equals("item")) {
            Image.Item item = lines.at(() -> lines.peek(Lines.Item.class).restored());
            long before = items.isEmpty() ? 0 : items.get(items.size() - 1).position();
            if (item.position() <= before || item.position() > inboxHead) {
                throw lines.wrong(
                        "the item " + item.position() + " is not after " + before + " and up to " + inboxHead);
            }
            if (!keys.add(item.key())) {
                throw lines.wrong("the key " + item.key() + " is there already");
            }
            items.add(item);
            lines.skip();
        }
        return items;
    }

    private List<Question> questions(SessionId id) {
        List<Question> questions = new ArrayList<>();
        Set<QuestionId> keys = new HashSet<>();
        while (lines.kind().equals("question")) {
            Question question = lines.at(() -> lines.peek(Lines.Asked.class).question(id));
            if (!keys.add(question.id())) {
                throw lines.wrong("the question " + question.id().key() + " is there already");
            }
            questions.add(question);
            lines.skip();
        }
        return questions;
    }

    /**
     * Makes the session in {@code store}.
     *
     * @param as its name there; null for the one it was exported under
     * @return false when there is one of that name, or there was
     * @throws IllegalArgumentException when a line is wrong; names it
     * @throws java.io.UncheckedIOException when {@code in} cannot be read
     */
    public static boolean read(SessionStore store, InputStream in, @Nullable SessionId as) {
        SessionImport file = new SessionImport(new LineReader(in), as);
        return store.restore(file.image, file.new Events(), file.new Blobs());
    }

    private static Lines.Header header(LineReader lines) {
        if (!lines.kind().equals("perdure")) {
            throw lines.wrong("not an exported session: its first line begins with {\"perdure\":\"session\"");
        }
        Lines.Format format = lines.at(() -> lines.peek(Lines.Format.class));
        if (!"session".equals(format.perdure())) {
            throw lines.wrong("this is no session, but a " + format.perdure());
        }
        if (format.format() != Lines.FORMAT) {
            throw new UnsupportedFormatException("line 1: the file has format " + format.format()
                    + ", this version reads " + Lines.FORMAT + ": upgrade to import it");
        }
        Lines.Header header = lines.at(() -> lines.peek(Lines.Header.class));
        lines.at(header::head);
        if (header.status() == SessionStatus.DELETED) {
            throw lines.wrong("a deleted session has nothing to import");
        }
        return header;
    }

    /** One after the other, each checked against those before it. */
    private final class Events implements Iterator<Recorded> {
        @Override
        public boolean hasNext() {
            boolean more = lines.kind().equals("event");
            if (!more && !last.equals(image.head())) {
                throw lines.wrong(
                        "the event " + (last.seq() + 1) + " of " + image.head().seq() + " is missing here");
            }
            return more;
        }

        @Override
        public Recorded next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Recorded event =
                    lines.at(() -> checked(lines.peek(Lines.Happened.class).recorded()));
            lines.skip();
            return event;
        }

        private Recorded checked(Recorded event) {
            boolean isLast = event.seq() == image.head().seq();
            if (event.seq() != last.seq() + 1) {
                throw new IllegalArgumentException(
                        "after event " + last.seq() + " comes the next one, not " + event.seq());
            }
            if (event.seq() > image.head().seq()
                    || isLast != event.id().equals(image.head().event())) {
                throw new IllegalArgumentException("by the first line, event "
                        + image.head().seq() + " with the id " + image.head().event() + " is the last one");
            }
            if (event.fence() < fence || event.fence() > image.fence()) {
                throw new IllegalArgumentException("the fence of event " + event.seq() + " is " + event.fence()
                        + ", which is not from " + fence + " to " + image.fence());
            }
            if ((event.seq() == 1) != event.event() instanceof Event.SessionOpened) {
                throw new IllegalArgumentException(
                        "the first event of a session is SessionOpened, and no other one is");
            }
            track(event.event());
            if (isLast && renamed && !running.isEmpty()) {
                throw new IllegalArgumentException(
                        "the call " + running.iterator().next() + " has started and has no"
                                + " result. Under another name it would run again with another idempotency key: import it under"
                                + " its own, or let it come to rest before it is exported");
            }
            last = event.position();
            fence = event.fence();
            return event;
        }

        private void track(Event event) {
            if (event instanceof Event.ToolStarted started) {
                running.add(started.call());
            } else if (event instanceof Event.ToolFinished finished) {
                running.remove(finished.call());
            }
        }
    }

    /** Whole blobs, out of their chunks; behind the last one the trailer is checked. */
    private final class Blobs implements Iterator<byte[]> {
        private final Set<BlobRef> seen = new HashSet<>();
        private boolean sealed;

        @Override
        public boolean hasNext() {
            boolean more = !sealed && lines.kind().equals("blob");
            if (!more && !sealed) {
                unseal();
            }
            return more;
        }

        @Override
        public byte[] next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Lines.Chunk first = lines.at(() -> lines.peek(Lines.Chunk.class));
            BlobRef ref = lines.at(() -> new BlobRef(first.blob(), first.size()));
            if (!seen.add(ref)) {
                throw lines.wrong("the blob " + ref.sha256() + " is there already");
            }
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            do {
                bytes.writeBytes(lines.at(() -> bytes(ref, bytes.size(), lines.peek(Lines.Chunk.class))));
                if (bytes.size() == ref.size()
                        && !Sha256.hex(bytes.toByteArray()).equals(ref.sha256())) {
                    throw lines.wrong("the bytes of the blob " + ref.sha256() + " are others than its name says");
                }
                lines.skip();
            } while (bytes.size() < ref.size());
            return bytes.toByteArray();
        }

        private byte[] bytes(BlobRef ref, long from, Lines.Chunk chunk) {
            byte[] some = Base64.getDecoder().decode(chunk.data());
            boolean fits = chunk.blob().equals(ref.sha256())
                    && chunk.size() == ref.size()
                    && chunk.from() == from
                    && from + some.length <= ref.size()
                    && (some.length > 0 || ref.size() == 0);
            if (!fits) {
                throw new IllegalArgumentException(
                        "the blob " + ref.sha256() + " of " + ref.size() + " bytes goes on at " + from + " here");
            }
            return some;
        }

        private void unseal() {
            if (!lines.kind().equals("end")) {
                throw lines.wrong(
                        lines.atEnd()
                                ? "the file ends before its last line: it was cut short"
                                : "a line beginning with \"" + lines.kind() + "\" has no place here");
            }
            Lines.Trailer trailer = lines.at(() -> lines.peek(Lines.Trailer.class));
            if (trailer.end() != lines.number() - 1 || !trailer.sha256().equals(lines.sha256())) {
                throw lines.wrong("this last line seals " + trailer.end() + " lines with another SHA-256: one of the "
                        + (lines.number() - 1) + " before it was changed");
            }
            lines.skip();
            if (!lines.atEnd()) {
                throw lines.wrong("there is something behind the last line");
            }
            sealed = true;
        }
    }
}
