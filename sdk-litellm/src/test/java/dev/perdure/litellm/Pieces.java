package dev.perdure.litellm;

import java.io.IOException;
import okio.Buffer;
import okio.ForwardingSource;

/** A source that gives at most so many bytes at a read, as a network may. */
public final class Pieces extends ForwardingSource {
    private final int most;

    public Pieces(Buffer bytes, int most) {
        super(bytes);
        this.most = most;
    }

    @Override
    public long read(Buffer sink, long byteCount) throws IOException {
        return super.read(sink, Math.min(byteCount, most));
    }
}
