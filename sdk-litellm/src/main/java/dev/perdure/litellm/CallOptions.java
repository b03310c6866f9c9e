package dev.perdure.litellm;

import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.session.Interruption;
import dev.perdure.session.Json;
import dev.perdure.spi.CallScope.Deltas;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How one call that an application makes itself is made, and on whose behalf. Immutable: each method gives a changed copy. Names that go into headers have visible ASCII
 * characters without commas only.
 */
public final class CallOptions {
    /** Nothing set: two retries, nobody listens. */
    public static final CallOptions DEFAULT = new CallOptions();

    private @Nullable String callId;
    private @Nullable String session;
    private @Nullable String endUser;
    private List<String> tags = List.of();
    private Json metadata = Json.EMPTY;
    private Duration timeout = Duration.ofDays(1);
    private int retries = 2;
    private @Nullable Interruption interruption;
    private Deltas deltas = Deltas.UNWANTED;

    private CallOptions() {}

    /**
     * Sent as {@code x-litellm-call-id} and adopted by the gateway; default a random UUID for each attempt. With one of its own a call is not retried: two attempts of
     * one id could not be told apart in the ledger.
     */
    public CallOptions callId(String id) {
        requireVisible("a call id", id);
        return with(o -> o.callId = id);
    }

    /** Groups calls at the gateway: its session and trace id; its limits for sessions count by it. Default none. */
    public CallOptions session(String id) {
        requireVisible("a session", id);
        return with(o -> o.session = id);
    }

    /** The customer whose budget and limits hold, too. Default none. */
    public CallOptions endUser(String id) {
        requireVisible("an end user", id);
        return with(o -> o.endUser = id);
    }

    /** Beside those of the client; default none. */
    public CallOptions tags(String... tags) {
        List<String> copy = List.of(tags);
        copy.forEach(tag -> requireVisible("a tag", tag));
        return with(o -> o.tags = copy);
    }

    /** Goes into the field {@code litellm_metadata} of the request, for the gateway's own use: guardrails, logging, {@code spend_logs_metadata}. Default none. */
    public CallOptions metadata(Json metadata) {
        if (!metadata.isObject()) {
            throw new IllegalArgumentException("metadata is a JSON object, but this is " + metadata.text());
        }
        return with(o -> o.metadata = metadata);
    }

    /** For the whole call, its retries and their pauses included; the client's own total holds for each attempt. Default a day. */
    public CallOptions timeout(Duration timeout) {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("a timeout is positive, but this is " + timeout);
        }
        return with(o -> o.timeout = Settings.atMost(timeout));
    }

    /**
     * Most attempts after the first, default 2, 0 for none. Made after failures that may pass, when nothing of the reply has come yet; what the gateway asks to wait for is
     * waited for, up to 20 seconds, and a longer wait is not made. Not counted is the wait of a key's later calls for their turn: see {@link Protection#keepsLimits}.
     *
     * @param most 0 to 10
     */
    public CallOptions retries(int most) {
        if (most < 0 || most > 10) {
            throw new IllegalArgumentException("retries are 0 to 10, but these are " + most);
        }
        return with(o -> o.retries = most);
    }

    /** Ends the call when it is requested; default nobody does. */
    public CallOptions interruption(Interruption interruption) {
        Objects.requireNonNull(interruption, "interruption");
        return with(o -> o.interruption = interruption);
    }

    /** Gets the reply while it comes in, on the caller's thread: a slow receiver slows the stream down. Default nobody, and no stream. */
    public CallOptions deltas(Deltas deltas) {
        Objects.requireNonNull(deltas, "deltas");
        return with(o -> o.deltas = deltas);
    }

    Optional<String> findCallId() {
        return Optional.ofNullable(callId);
    }

    @Nullable
    String session() {
        return session;
    }

    @Nullable
    String endUser() {
        return endUser;
    }

    List<String> tags() {
        return tags;
    }

    Json metadata() {
        return metadata;
    }

    Duration timeout() {
        return timeout;
    }

    int retries() {
        return callId == null ? retries : 0;
    }

    Interruption interruption() {
        return interruption == null ? Interruption.never() : interruption;
    }

    Deltas deltas() {
        return deltas;
    }

    private CallOptions with(Consumer<CallOptions> change) {
        CallOptions copy = new CallOptions();
        copy.callId = callId;
        copy.session = session;
        copy.endUser = endUser;
        copy.tags = tags;
        copy.metadata = metadata;
        copy.timeout = timeout;
        copy.retries = retries;
        copy.interruption = interruption;
        copy.deltas = deltas;
        change.accept(copy);
        return copy;
    }

    private static void requireVisible(String what, String value) {
        Objects.requireNonNull(value, what);
        if (!value.matches("[\\x21-\\x2b\\x2d-\\x7e]{1,256}")) {
            throw new IllegalArgumentException(
                    what + " has 1 to 256 visible ASCII characters, no comma, but this is \"" + value + "\"");
        }
    }
}
