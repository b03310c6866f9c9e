package dev.perdure.examples.review;

import dev.perdure.RuntimeListener;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** Writes down, outside of the store, each event that the store said is durable: so that a lost one would be noticed. */
public final class Announced implements RuntimeListener, AutoCloseable {
    private final FileChannel file;

    public Announced(Path path) throws IOException {
        this.file =
                FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
    }

    /** One announced event. */
    public record Line(long seq, String id, String type) {
        static Line parse(String line) {
            String[] fields = line.split(" ", 3);
            return new Line(Long.parseLong(fields[0]), fields[1], fields[2]);
        }
    }

    @Override
    public synchronized void onEvent(SessionId session, Recorded event) {
        String line = event.seq() + " " + event.id() + " " + event.event().type() + "\n";
        try {
            file.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
            file.force(false);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All lines so far; the last one is left out while it is half written. */
    public static List<Line> read(Path path) throws IOException {
        if (Files.notExists(path)) {
            return List.of();
        }
        String text = Files.readString(path);
        return text.substring(0, text.lastIndexOf('\n') + 1)
                .lines()
                .map(Line::parse)
                .toList();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
