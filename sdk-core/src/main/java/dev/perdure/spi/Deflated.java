package dev.perdure.spi;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/** Compressed bytes: their length before, in 4 bytes, then a zlib stream, which ends in a checksum. */
final class Deflated {
    /** Below, little is saved. */
    private static final int LEAST = 512;

    private static final int LENGTH = 4;

    /** What the rest of a record takes; less saved is nothing saved. */
    private static final int ENVELOPE = 16;

    /** What a byte of deflate can be at most. */
    private static final int MOST_RATIO = 1_032;

    private Deflated() {}

    /** Null when the bytes are few, or would not become fewer. */
    static byte @Nullable [] of(byte[] bytes) {
        return bytes.length < LEAST ? null : deflate(bytes, bytes.length - ENVELOPE);
    }

    /** Whether they become fewer or not. */
    static byte[] always(byte[] bytes) {
        return Objects.requireNonNull(deflate(bytes, bytes.length + bytes.length / 100 + 64));
    }

    private static byte @Nullable [] deflate(byte[] bytes, int most) {
        // Higher levels take up to twice as long and save 3 to 7 % more of what agents write.
        Deflater deflater = new Deflater(Deflater.BEST_SPEED);
        try {
            deflater.setInput(bytes);
            deflater.finish();
            byte[] out = new byte[most];
            ByteBuffer.wrap(out).putInt(bytes.length);
            int length = deflater.deflate(out, LENGTH, most - LENGTH);
            return deflater.finished() ? Arrays.copyOf(out, LENGTH + length) : null;
        } finally {
            deflater.end();
        }
    }

    /** Makes no more bytes than the record says, and no room for more than it can hold. */
    static byte[] inflate(byte[] deflated) throws DataFormatException {
        if (deflated.length < LENGTH) {
            throw new DataFormatException("cut off");
        }
        int length = ByteBuffer.wrap(deflated).getInt();
        int packed = deflated.length - LENGTH;
        if (length < 0 || length > (long) packed * MOST_RATIO) {
            throw new DataFormatException("a length that it cannot have");
        }
        Inflater inflater = new Inflater();
        try {
            inflater.setInput(deflated, LENGTH, packed);
            byte[] out = new byte[length];
            int made = 0;
            while (made < length) {
                int more = inflater.inflate(out, made, length - made);
                if (more == 0) {
                    throw new DataFormatException("cut off");
                }
                made += more;
            }
            // The checksum is looked at when the end is read.
            if (inflater.inflate(new byte[1]) != 0 || !inflater.finished() || inflater.getRemaining() != 0) {
                throw new DataFormatException("another length than it says");
            }
            return out;
        } finally {
            inflater.end();
        }
    }
}
