package dev.perdure;

import dev.perdure.internal.engine.Bodies;
import dev.perdure.session.Actor;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.spi.SessionStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A message to a session. Immutable.
 *
 * <pre>{@code
 * session.send(Input.text("Is this invoice right?")
 *     .file("invoice.pdf", "application/pdf", bytes)
 *     .key("mail-4711").from(Actor.user("ann")).when(Input.When.STEER));
 * }</pre>
 */
public final class Input {
    /** Keys of answers and of late results. */
    private static final Pattern OWN = Pattern.compile("(answer:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9]");

    /** What to do with a message while a turn is open. */
    public enum When {
        /** It starts the next turn. The default. */
        NEXT_TURN,
        /** It joins the open turn at its next step. */
        STEER,
        /** It interrupts the open turn and starts the next. */
        INTERRUPT,
        /** It is refused. */
        REJECT
    }

    /** Bytes that are sent with a message; never compared. */
    @SuppressWarnings("ArrayRecordComponent")
    record Attachment(String name, String mediaType, byte[] content) {
        @Override
        public String toString() {
            return name + " (" + mediaType + ", " + content.length + " bytes)";
        }
    }

    private final List<Part> parts;
    private final List<Attachment> attachments;
    private final @Nullable String key;
    private final Actor from;
    private final When when;

    private Input(List<Part> parts, List<Attachment> attachments, @Nullable String key, Actor from, When when) {
        this.parts = parts;
        this.attachments = attachments;
        this.key = key;
        this.from = from;
        this.when = when;
    }

    public static Input text(String text) {
        return new Input(List.of(new Part.Text(text)), List.of(), null, Actor.UNNAMED, When.NEXT_TURN);
    }

    /** One more piece: further text, or a {@link Part.Media} with an {@code https:} or {@code data:} address. */
    public Input and(Part part) {
        if (part instanceof Part.Media media && media.uri().startsWith("blob:")) {
            throw new IllegalArgumentException(
                    "a blob: address is the library's own; send bytes with file(…): " + media.uri());
        }
        List<Part> more = new ArrayList<>(parts);
        more.add(Objects.requireNonNull(part, "part"));
        return new Input(List.copyOf(more), attachments, key, from, when);
    }

    /** An image or another file; its bytes are kept beside the session's log. */
    public Input file(String name, String mediaType, byte[] content) {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(mediaType, "mediaType");
        Objects.requireNonNull(content, "content");
        List<Attachment> more = new ArrayList<>(attachments);
        more.add(new Attachment(name, mediaType, content.clone()));
        return new Input(parts, List.copyOf(more), key, from, when);
    }

    /**
     * Idempotency key: of all inputs of a session with the same key, one is applied. 1 to 200 characters, no NUL and no half of a
     * surrogate pair. Default: a new one for each send. Who sends it does not count: the same message under the same key from
     * somebody else is not applied again. What Perdure itself posts under the id of a call, an answer or a late result, cannot be had
     * as a key: whoever chose it would be taken for the first to answer.
     */
    public Input key(String value) {
        InboxItem.requireKey(value);
        if (OWN.matcher(value).lookingAt()) {
            throw new IllegalArgumentException("the key \"" + value + "\" is that of an answer or a result of a call");
        }
        return new Input(parts, attachments, value, from, when);
    }

    /** Who sends it. Default: {@link Actor#UNNAMED}. */
    public Input from(Actor actor) {
        return new Input(parts, attachments, key, Objects.requireNonNull(actor, "actor"), when);
    }

    /** What to do while a turn is open. Default: {@link When#NEXT_TURN}. */
    public Input when(When value) {
        return new Input(parts, attachments, key, from, Objects.requireNonNull(value, "when"));
    }

    public List<Part> parts() {
        return parts;
    }

    /**
     * This message as a store takes it, for sending it without a runtime: to {@link SessionStore#post}, or within a transaction of the application. One
     * without a key gets a new one.
     *
     * @throws IllegalStateException when it has files, which are stored by {@link AgentSession#send}
     */
    public SessionStore.Post post() {
        if (!attachments.isEmpty()) {
            throw new IllegalStateException(
                    "a message with files is sent by AgentSession.send, which stores them: " + attachments);
        }
        return post(findKey().orElseGet(() -> "input:" + EventId.random()), parts);
    }

    /** With other parts: those that its files have become. */
    SessionStore.Post post(String under, List<Part> stored) {
        return new SessionStore.Post(under, Event.InputKind.MESSAGE, from, Json.of(new Bodies.Message(stored, when)));
    }

    List<Attachment> attachments() {
        return attachments;
    }

    public Optional<String> findKey() {
        return Optional.ofNullable(key);
    }

    public Actor from() {
        return from;
    }

    public When when() {
        return when;
    }

    /** Key, sender and size; no content. */
    @Override
    public String toString() {
        return "Input[key=" + key + ", from=" + from + ", when=" + when + ", parts="
                + (parts.size() + attachments.size()) + "]";
    }
}
