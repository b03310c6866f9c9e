package dev.perdure.benchmarks;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ChatMessageDeserializer;
import dev.langchain4j.data.message.ChatMessageSerializer;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.memory.ChatMemory;
import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.store.memory.chat.ChatMemoryStore;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;

/**
 * LangChain4j's way: a {@code ChatMemory} over a store that its user writes. The store gets the whole list for each message and keeps it as one JSON
 * text by the library's own serializer; the memory reads it before each message.
 */
final class WholeHistory implements Conversation {
    static final String TABLE = "chat_memory";

    private final ChatMemory memory;
    private int messages;

    WholeHistory(DataSource pool, String id) {
        this.memory = MessageWindowChatMemory.builder()
                .id(id)
                .maxMessages(Integer.MAX_VALUE)
                .chatMemoryStore(new Store(pool))
                .build();
    }

    static String ddl() {
        return "CREATE TABLE " + TABLE + " (id text PRIMARY KEY, messages text NOT NULL)";
    }

    @Override
    public void add(String text) {
        memory.add(messages++ % 2 == 0 ? UserMessage.from(text) : AiMessage.from(text));
    }

    private record Store(DataSource pool) implements ChatMemoryStore {
        @Override
        public List<ChatMessage> getMessages(Object id) {
            try (Connection connection = pool.getConnection();
                    PreparedStatement select =
                            connection.prepareStatement("SELECT messages FROM " + TABLE + " WHERE id = ?")) {
                select.setString(1, id.toString());
                try (ResultSet row = select.executeQuery()) {
                    return row.next() ? ChatMessageDeserializer.messagesFromJson(row.getString(1)) : List.of();
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void updateMessages(Object id, List<ChatMessage> messages) {
            try (Connection connection = pool.getConnection();
                    PreparedStatement upsert = connection.prepareStatement(
                            "INSERT INTO " + TABLE
                                    + " (id, messages) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET messages = EXCLUDED.messages")) {
                upsert.setString(1, id.toString());
                upsert.setString(2, ChatMessageSerializer.messagesToJson(messages));
                upsert.executeUpdate();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void deleteMessages(Object id) {
            throw new UnsupportedOperationException();
        }
    }
}
