package dev.perdure.testkit.crash;

import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How a run is set up. Only ever changed while it is nobody else's yet. */
final class Settings {
    final String store;
    final Path folder;
    int kills = 100;
    long seed = System.nanoTime() & 0xff_ffff;
    int children = 2;
    int sessions = 8;
    Duration lease = Duration.ofSeconds(1);
    double pauses = 0.1;
    List<CrashPoint> points = List.of(CrashPoint.values());
    List<String> properties = List.of();

    @Nullable
    CrashServer server;

    int restartEvery;
    double connectionFaults;
    boolean endEarly = true;
    PrintStream progress = new PrintStream(PrintStream.nullOutputStream());
    Duration finishWithin = Duration.ofSeconds(60);

    Settings(String store, Path folder) {
        this.store = store;
        this.folder = folder;
    }

    Settings copy() {
        Settings copy = new Settings(store, folder);
        copy.kills = kills;
        copy.seed = seed;
        copy.children = children;
        copy.sessions = sessions;
        copy.lease = lease;
        copy.pauses = pauses;
        copy.points = points;
        copy.properties = properties;
        copy.server = server;
        copy.restartEvery = restartEvery;
        copy.connectionFaults = connectionFaults;
        copy.endEarly = endEarly;
        copy.progress = progress;
        copy.finishWithin = finishWithin;
        return copy;
    }

    /** Whether the store may be away for a moment by what the harness does. */
    boolean serverFails() {
        return restartEvery > 0 || connectionFaults > 0;
    }
}
