package dev.perdure.internal.transfer;

import dev.perdure.session.BlobRef;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Image;
import dev.perdure.spi.StoreException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/** Writes a session as lines of JSON. Stateless. */
public final class SessionExport {
    private static final int PAGE = 200;

    private SessionExport() {}

    /**
     * Writes the session as it stands now; events that come meanwhile are left out.
     *
     * @return the session as it was written; empty, and nothing written, when there is none
     */
    public static Optional<SessionInfo> write(SessionStore store, SessionId id, OutputStream out) throws IOException {
        Optional<Image> image = store.image(id);
        if (image.isPresent()) {
            BufferedOutputStream buffered = new BufferedOutputStream(out, 1 << 16);
            write(store, image.get(), new LineWriter(buffered));
        }
        return image.map(Image::session);
    }

    private static void write(SessionStore store, Image image, LineWriter out) throws IOException {
        SessionId id = image.session().id();
        out.write(Lines.Header.of(image));
        BlobRefs blobs = new BlobRefs();
        for (Image.Item item : image.items()) {
            out.write(Lines.Item.of(item));
            item.findBody().ifPresent(blobs::look);
        }
        for (Question question : image.questions()) {
            out.write(Lines.Asked.of(question));
        }
        long last = image.head().seq();
        for (long after = 0; after < last; ) {
            List<Recorded> page = store.read(id, after, (int) Math.min(PAGE, last - after));
            if (page.isEmpty()) {
                throw goneMeanwhile(id);
            }
            for (Recorded event : page) {
                Lines.Happened line = Lines.Happened.of(event);
                out.write(line);
                blobs.look(line.json());
            }
            after += page.size();
        }
        for (BlobRef ref : blobs.found()) {
            Optional<byte[]> bytes = store.blobs().find(id, ref);
            if (bytes.isPresent()) {
                write(bytes.get(), ref, out);
            }
        }
        // What was deleted after its last event was read has no blobs any more.
        Position now = store.head(id);
        if (now.seq() < last || (now.seq() == last && !now.equals(image.head()))) {
            throw goneMeanwhile(id);
        }
        out.seal();
    }

    private static void write(byte[] blob, BlobRef ref, LineWriter out) throws IOException {
        int from = 0;
        do {
            int size = Math.min(Lines.CHUNK, blob.length - from);
            byte[] some = Arrays.copyOfRange(blob, from, from + size);
            out.write(new Lines.Chunk(
                    ref.sha256(), ref.size(), from, Base64.getEncoder().encodeToString(some)));
            from += size;
        } while (from < blob.length);
    }

    private static StoreException goneMeanwhile(SessionId id) {
        return StoreException.unusable(
                "the session " + id
                        + " was deleted while it was exported; what was written of it has no last line and is"
                        + " refused by an import",
                id,
                null);
    }
}
