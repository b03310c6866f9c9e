package dev.perdure.model;

import dev.perdure.session.PerdureException;
import dev.perdure.session.Problem;
import java.io.Serializable;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** A model call failed. The facts are fields; the message is for people and has no secret in it. */
public final class ModelException extends PerdureException {
    private static final long serialVersionUID = 1;

    /** What kind of failure it is, and whether another try may help. */
    public enum Kind {
        /** Too many requests or tokens for now. */
        RATE_LIMIT(true),
        /** The money is spent. Another try costs nothing and helps nothing. */
        BUDGET(false),
        /** A limit that the gateway sets for one session. */
        SESSION_LIMIT(false),
        /** The key is missing, wrong, expired or blocked. */
        AUTH(false),
        /** The key may not use this model or tool. */
        ACCESS(false),
        /** The conversation is too long for the model. */
        CONTEXT_WINDOW(false),
        /** The provider refused the content. */
        CONTENT_POLICY(false),
        /** The gateway's own guardrail refused the content. */
        GUARDRAIL(false),
        /** The request is wrong. */
        BAD_REQUEST(false),
        /** The peer cannot be reached or cannot answer now. */
        UNAVAILABLE(true),
        /** No answer in time. */
        TIMEOUT(true),
        /** The stream ended before the reply did. */
        CUT_STREAM(true),
        /** The peer does not speak the protocol. */
        PROTOCOL(false),
        /** The model client in this process failed: it is not set up, or has a bug. */
        CLIENT(false),
        /** The call was interrupted on purpose. */
        INTERRUPTED(false);

        private final boolean retryable;

        Kind(boolean retryable) {
            this.retryable = retryable;
        }

        public boolean retryable() {
            return retryable;
        }
    }

    private final Kind kind;
    private final @Nullable Duration retryAfter;
    private final @Nullable Integer status;
    private final @Nullable String gatewayCallId;
    private final @Nullable Spent spent;
    private final @Nullable Integer gatewayRetries;

    private ModelException(Builder builder) {
        super(builder.message, builder.kind.retryable(), null, builder.cause);
        this.kind = builder.kind;
        this.retryAfter = builder.retryAfter;
        this.status = builder.status;
        this.gatewayCallId = builder.gatewayCallId;
        this.spent = builder.spent;
        this.gatewayRetries = builder.gatewayRetries;
    }

    public static Builder builder(Kind kind, String message) {
        return new Builder(kind, message);
    }

    public static ModelException of(Kind kind, String message) {
        return builder(kind, message).build();
    }

    public Kind kind() {
        return kind;
    }

    /** How long the peer wants to be left alone. */
    public Optional<Duration> findRetryAfter() {
        return Optional.ofNullable(retryAfter);
    }

    /** HTTP status of the answer, where there was one. */
    public Optional<Integer> findStatus() {
        return Optional.ofNullable(status);
    }

    public Optional<String> findGatewayCallId() {
        return Optional.ofNullable(gatewayCallId);
    }

    /** What is used up, of kinds {@link Kind#BUDGET}, {@link Kind#SESSION_LIMIT} and {@link Kind#RATE_LIMIT}, where the peer says it. */
    public Optional<Spent> findSpent() {
        return Optional.ofNullable(spent);
    }

    /** How often a gateway had tried again by itself before it gave up; empty when it does not say. */
    public OptionalInt findGatewayRetries() {
        return gatewayRetries == null ? OptionalInt.empty() : OptionalInt.of(gatewayRetries);
    }

    /** The form that is kept in the log. */
    public Problem problem() {
        String message = Objects.requireNonNullElse(getMessage(), kind.name());
        return new Problem(kind.name().toLowerCase(Locale.ROOT), message, retryable(), status, gatewayCallId);
    }

    /**
     * A budget or limit that is used up.
     *
     * @param scope whose it is: {@code key}, {@code team}, {@code end_user}, {@code tag}, {@code session}, {@code provider}, …
     * @param used of {@code unit}; null when the peer does not say
     * @param limit likewise
     * @param unit {@code usd}, or {@code calls} of a session, or {@code requests} or {@code tokens} in a minute, or {@code parallel} requests
     */
    public record Spent(
            String scope,
            @Nullable BigDecimal used,
            @Nullable BigDecimal limit,
            String unit) implements Serializable {
        public Spent {
            Objects.requireNonNull(scope, "scope");
            Objects.requireNonNull(unit, "unit");
        }
    }

    /** Collects the facts of a failure. */
    public static final class Builder {
        private final Kind kind;
        private final String message;
        private @Nullable Duration retryAfter;
        private @Nullable Integer status;
        private @Nullable String gatewayCallId;
        private @Nullable Spent spent;
        private @Nullable Integer gatewayRetries;
        private @Nullable Throwable cause;

        private Builder(Kind kind, String message) {
            this.kind = Objects.requireNonNull(kind, "kind");
            this.message = Objects.requireNonNull(message, "message");
        }

        public Builder retryAfter(@Nullable Duration value) {
            this.retryAfter = value;
            return this;
        }

        public Builder status(@Nullable Integer value) {
            this.status = value;
            return this;
        }

        public Builder gatewayCallId(@Nullable String value) {
            this.gatewayCallId = value;
            return this;
        }

        public Builder spent(@Nullable Spent value) {
            this.spent = value;
            return this;
        }

        public Builder gatewayRetries(@Nullable Integer value) {
            this.gatewayRetries = value;
            return this;
        }

        public Builder cause(@Nullable Throwable value) {
            this.cause = value;
            return this;
        }

        public ModelException build() {
            return new ModelException(this);
        }
    }
}
