package dev.perdure.spi;

import dev.perdure.session.BlobRef;
import dev.perdure.session.SessionId;
import java.util.Optional;

/**
 * Bytes kept beside the logs. The same bytes put twice into one session are kept once; they are never shared between sessions and go
 * with their session. Thread-safe.
 */
public interface BlobStore {
    /**
     * Keeps the bytes, durably before it returns. Safe to repeat.
     *
     * @throws IllegalArgumentException when the session is unknown
     */
    BlobRef put(SessionId session, byte[] bytes);

    /** The bytes; empty when this session has none of that name. */
    Optional<byte[]> find(SessionId session, BlobRef ref);
}
