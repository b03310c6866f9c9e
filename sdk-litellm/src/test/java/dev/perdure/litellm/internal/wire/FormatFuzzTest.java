package dev.perdure.litellm.internal.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.litellm.Wire;
import dev.perdure.litellm.internal.http.NotTheProtocolException;
import dev.perdure.litellm.internal.http.WireJson;
import dev.perdure.spi.CallScope.Deltas;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** Whatever an event looks like, it is read, or refused as no event of the protocol; never anything else is thrown. */
@Timeout(120)
class FormatFuzzTest {
    private static final int ROUNDS = 1500;
    private static final String[] ODD = {
        "null",
        "[]",
        "{}",
        "7",
        "-1e400",
        "true",
        "\"\"",
        "\"x\"",
        "[null]",
        "[[1]]",
        "{\"type\":7}",
        "{\"type\":\"thinking\"}",
        "123456789012345678901234567890",
        "[".repeat(497) + "]".repeat(497)
    };

    @ParameterizedTest
    @CsvSource({
        "chat-tools-stream, CHAT",
        "chat-reasoning-stream, CHAT",
        "messages-stream, MESSAGES",
        "messages-tool-stream, MESSAGES",
        "responses-stream, RESPONSES",
        "responses-tool-stream, RESPONSES"
    })
    void eventsChangedAtRandom_areReadOrRefused(String name, Wire wire) throws IOException {
        List<String> events = events(name);
        Random random = new Random(name.hashCode());
        int read = 0;
        for (int round = 0; round < ROUNDS; round++) {
            List<byte[]> changed = new ArrayList<>();
            for (String event : events) {
                changed.add(random.nextInt(4) == 0 ? changed(event, random) : event.getBytes(StandardCharsets.UTF_8));
            }
            if (isRead(wire, changed)) {
                read++;
            }
        }
        // Neither all nor none: else nothing was tried.
        assertThat(read).isBetween(ROUNDS / 50, ROUNDS - ROUNDS / 50);
    }

    @ParameterizedTest
    @CsvSource({"chat-tools, CHAT", "messages, MESSAGES", "responses, RESPONSES"})
    void answersChangedAtRandom_areReadOrRefused(String name, Wire wire) throws IOException {
        String answer = body(name);
        Random random = new Random(name.hashCode());
        for (int round = 0; round < ROUNDS; round++) {
            byte[] changed = changed(answer, random);
            ReplyDraft draft = new ReplyDraft(Deltas.UNWANTED);
            try {
                WireFormat.of(wire, draft.details()).plain(new ByteArrayInputStream(changed), draft::add);
                draft.parts();
                draft.details().json(null);
            } catch (NotTheProtocolException | JacksonException e) {
                assertThat(e.getMessage()).isNotNull();
            }
        }
    }

    private static boolean isRead(Wire wire, List<byte[]> events) {
        ReplyDraft draft = new ReplyDraft(Deltas.UNWANTED);
        WireFormat format = WireFormat.of(wire, draft.details());
        try {
            for (byte[] event : events) {
                format.event(event, event.length, draft::add);
            }
            draft.parts();
            draft.details().json(null);
            return true;
        } catch (NotTheProtocolException | JacksonException e) {
            return false;
        }
    }

    private static byte[] changed(String event, Random random) {
        if (random.nextInt(3) == 0) {
            byte[] bytes = event.getBytes(StandardCharsets.UTF_8);
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            return random.nextBoolean() ? bytes : Arrays.copyOf(bytes, random.nextInt(bytes.length));
        }
        JsonNode json = WireJson.JSON.readTree(event);
        replace(json, StringNode.valueOf("ODD"), random);
        String odd = ODD[random.nextInt(ODD.length)];
        return json.toString().replace("\"ODD\"", odd).getBytes(StandardCharsets.UTF_8);
    }

    /** Some value in it by another one. */
    private static void replace(JsonNode json, JsonNode by, Random random) {
        JsonNode at = json;
        while (!at.isEmpty()) {
            int pick = random.nextInt(at.size());
            JsonNode next = at instanceof ObjectNode object
                    ? object.get(new ArrayList<>(object.propertyNames()).get(pick))
                    : at.get(pick);
            if (next.isEmpty() || random.nextInt(3) == 0) {
                if (at instanceof ObjectNode object) {
                    object.set(new ArrayList<>(object.propertyNames()).get(pick), by);
                } else if (at instanceof ArrayNode array) {
                    array.set(pick, by);
                }
                return;
            }
            at = next;
        }
    }

    private static List<String> events(String name) throws IOException {
        return body(name)
                .lines()
                .filter(line -> line.startsWith("data: {"))
                .map(line -> line.substring("data: ".length()))
                .toList();
    }

    private static String body(String name) throws IOException {
        try (InputStream in =
                Objects.requireNonNull(FormatFuzzTest.class.getResourceAsStream("/recorded/" + name + ".http"), name)) {
            String all = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return all.substring(all.indexOf("\n\n") + 2);
        }
    }
}
