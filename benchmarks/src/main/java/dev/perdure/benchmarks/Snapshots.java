package dev.perdure.benchmarks;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ChatMessageSerializer;
import dev.langchain4j.data.message.UserMessage;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import javax.sql.DataSource;

/**
 * The way of graph frameworks, after langgraph4j's PostgreSQL saver: each step is a row with the whole state, as base64 within JSONB, in one transaction
 * with its thread's row. Kinder than the original: pooled connections (it opens one for each step) and a state that is its messages alone.
 */
final class Snapshots implements Conversation {
    static final String TABLE = "graph_checkpoint";

    private final DataSource pool;
    private final String thread;
    private final List<ChatMessage> state = new ArrayList<>();

    Snapshots(DataSource pool, String thread) {
        this.pool = pool;
        this.thread = thread;
    }

    static String ddl() {
        return """
                CREATE TABLE graph_thread (id uuid PRIMARY KEY, name text NOT NULL, released boolean NOT NULL);
                CREATE UNIQUE INDEX graph_thread_open ON graph_thread (name) WHERE NOT released;
                CREATE TABLE %s (id uuid PRIMARY KEY, parent uuid, thread uuid NOT NULL REFERENCES graph_thread (id),
                  node text, next_node text, state jsonb NOT NULL, content_type text NOT NULL,
                  saved_at timestamptz NOT NULL DEFAULT now());
                CREATE INDEX graph_checkpoint_thread ON %1$s (thread)""".formatted(TABLE);
    }

    @Override
    public void add(String text) throws SQLException {
        state.add(state.size() % 2 == 0 ? UserMessage.from(text) : AiMessage.from(text));
        byte[] bytes = ChatMessageSerializer.messagesToJson(state).getBytes(StandardCharsets.UTF_8);
        String json = "{\"binaryPayload\": \"" + Base64.getEncoder().encodeToString(bytes) + "\"}";
        try (Connection connection = pool.getConnection()) {
            connection.setAutoCommit(false);
            insert(connection, open(connection), json);
            connection.commit();
            connection.setAutoCommit(true);
        }
    }

    /** Makes the thread's row with the first step, and finds it with each. */
    private UUID open(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("""
                WITH made AS (
                  INSERT INTO graph_thread (id, name, released) VALUES (?, ?, FALSE)
                  ON CONFLICT (name) WHERE NOT released DO NOTHING RETURNING id)
                SELECT id FROM made UNION ALL SELECT id FROM graph_thread WHERE name = ? AND NOT released LIMIT 1""")) {
            statement.setObject(1, UUID.randomUUID());
            statement.setString(2, thread);
            statement.setString(3, thread);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getObject(1, UUID.class);
            }
        }
    }

    private static void insert(Connection connection, UUID thread, String json) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("INSERT INTO " + TABLE
                + " (id, thread, node, next_node, state, content_type) VALUES (?, ?, ?, ?, ?::jsonb, ?)")) {
            statement.setObject(1, UUID.randomUUID());
            statement.setObject(2, thread);
            statement.setString(3, "agent");
            statement.setString(4, "agent");
            statement.setString(5, json);
            statement.setString(6, "application/json");
            statement.executeUpdate();
        }
    }
}
