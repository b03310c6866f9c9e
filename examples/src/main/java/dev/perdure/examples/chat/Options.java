package dev.perdure.examples.chat;

import dev.perdure.session.SessionId;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the chat was started with. */
public record Options(Path database, SessionId session) {
    public static final String USAGE = "usage: examples/run chat [--db FILE] [--session NAME]";

    /** @throws IllegalArgumentException when the arguments make no sense; says why in one line */
    public static Options of(List<String> arguments) {
        Path database = Path.of(System.getProperty("user.home"), ".perdure", "chat.db");
        String session = "main";
        for (int i = 0; i < arguments.size(); i += 2) {
            String option = arguments.get(i);
            if (!option.equals("--db") && !option.equals("--session")) {
                throw new IllegalArgumentException("unknown argument " + option + "; " + USAGE);
            } else if (i + 1 == arguments.size()) {
                throw new IllegalArgumentException(option + " needs a value; " + USAGE);
            } else if (option.equals("--db")) {
                database = Path.of(arguments.get(i + 1));
            } else {
                session = arguments.get(i + 1);
            }
        }
        return new Options(database.toAbsolutePath(), SessionId.of("chat", session));
    }

    /** @throws IllegalArgumentException when the file cannot be used; says why in one line */
    public JdbcSessionStore open() {
        try {
            Files.createDirectories(database.getParent());
            return JdbcSessionStore.sqlite(database);
        } catch (IOException | StoreException e) {
            throw new IllegalArgumentException("cannot use " + database + ": " + e.getMessage(), e);
        }
    }
}
