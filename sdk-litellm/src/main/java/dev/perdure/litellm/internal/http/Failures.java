package dev.perdure.litellm.internal.http;

import dev.perdure.litellm.internal.http.CallWatch.Phase;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.ProtocolException;
import java.net.UnknownHostException;
import java.time.Duration;
import javax.net.ssl.SSLException;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/** Makes the exception for whatever went wrong. Its message says where, what, and what one may do about it; never the key. */
public final class Failures {
    private static final int LONGEST_BODY = 1 << 16;

    private final Settings settings;

    public Failures(Settings settings) {
        this.settings = settings;
    }

    /** An answer with a status other than 200. */
    public ModelException refused(Response response) throws IOException {
        if (response.isRedirect()) {
            return of(
                    Kind.PROTOCOL,
                    response,
                    response.code(),
                    settings.endpoint + " redirects (" + response.code()
                            + "); use the URL that it redirects to, as requests are never sent twice");
        }
        ErrorBody error = ErrorBody.parse(body(response));
        return refused(response, response.code(), error);
    }

    /** What came of it: the status counts also when the rest does not come. */
    private static String body(Response response) {
        try {
            return response.peekBody(LONGEST_BODY).string();
        } catch (IOException e) {
            return "";
        }
    }

    /** An error in the place of an answer, or in the midst of a stream. */
    public ModelException broken(Response response, ErrorBody error) {
        boolean isStatus = error.code().matches("[45]\\d\\d");
        return refused(response, isStatus ? Integer.parseInt(error.code()) : 500, error);
    }

    private ModelException refused(Response response, int status, ErrorBody error) {
        Kind kind = ErrorKinds.of(status, error);
        String text = ErrorText.clean(error.message(), settings.key);
        Integer retries = SpentText.retries(error.message());
        String message = settings.endpoint + " answers " + status + (text.isEmpty() ? "" : ": " + text)
                + (retries == null ? "" : " (the gateway had tried " + retries + " times more)")
                + remedy(kind, response, status, error);
        return ModelException.builder(kind, message)
                .status(status)
                .retryAfter(RetryAfter.of(response, error.message()))
                .gatewayCallId(callId(response))
                .spent(SpentText.of(kind, error.message()))
                .gatewayRetries(retries)
                .build();
    }

    private String remedy(Kind kind, Response response, int status, ErrorBody error) {
        if (kind == Kind.AUTH && error.message().startsWith("litellm.AuthenticationError")) {
            return " | It is the provider that refused the gateway's own key: tell whoever runs the gateway.";
        }
        if (kind == Kind.AUTH) {
            return settings.key == null
                    ? " | No key was given: LiteLlm.key(…)."
                    : " | Is the key given to LiteLlm.key(…) known there, not expired, not blocked?";
        }
        if (kind == Kind.BAD_REQUEST
                && (status == 404 || status == 405)
                && error.type().isEmpty()) {
            return " | Asked for " + response.request().url() + ": is the base URL right, and the model known there?";
        }
        return "";
    }

    /** What came is no answer of the wire in use. */
    public ModelException notTheProtocol(Response response, String what) {
        return of(
                Kind.PROTOCOL,
                response,
                response.code(),
                settings.endpoint + " does not speak " + protocol() + ": " + what);
    }

    private String protocol() {
        return switch (settings.wire) {
            case CHAT -> "chat completions";
            case RESPONSES -> "OpenAI's responses";
            case MESSAGES -> "Anthropic's messages";
        };
    }

    /** What came where JSON was asked for is something else. */
    public ModelException notJson(Response response) {
        return of(
                Kind.PROTOCOL,
                response,
                response.code(),
                "what " + response.request().url() + " answers is not JSON. Is that a LiteLLM gateway?");
    }

    /** A stream ended before its end mark. */
    public ModelException cut(Response response, @Nullable Throwable cause) {
        return ModelException.builder(Kind.CUT_STREAM, settings.endpoint + " ended the reply before it was whole")
                .status(response.code())
                .gatewayCallId(callId(response))
                .cause(cause)
                .build();
    }

    /** @param response null as long as there is none */
    public ModelException interrupted(String reason, @Nullable Response response) {
        String why = reason.isEmpty() ? "its thread was interrupted" : reason;
        return ModelException.builder(Kind.INTERRUPTED, "the model call was interrupted: " + why)
                .gatewayCallId(callId(response))
                .build();
    }

    /** The connection failed. */
    public ModelException of(IOException e, CallWatch watch, @Nullable Response response) {
        if (watch.totalIsOver()) {
            return timeout("no whole reply within the total of " + text(watch.total), e, response);
        }
        if (e instanceof InterruptedIOException) {
            return switch (watch.phase()) {
                case CONNECTING -> timeout("no connection within " + text(watch.connect), e, response);
                case WAITING -> timeout("no first byte within " + text(watch.firstByte), e, response);
                case RECEIVING ->
                    timeout("nothing more came for " + text(watch.chunk) + " (between chunks)", e, response);
            };
        }
        if (response != null && watch.phase() == Phase.RECEIVING) {
            return cut(response, e);
        }
        return ModelException.builder(e instanceof ProtocolException ? Kind.PROTOCOL : Kind.UNAVAILABLE, lost(e, watch))
                .gatewayCallId(callId(response))
                .cause(e)
                .build();
    }

    private String lost(IOException e, CallWatch watch) {
        String where = settings.endpoint.toString();
        if (e instanceof UnknownHostException) {
            return where
                    + " cannot be reached: no address is known for its host. Is the name right, here and in this network?";
        }
        if (e instanceof ConnectException || e instanceof NoRouteToHostException) {
            return where + " cannot be reached (" + e.getMessage() + "). Does it run, and is the port right and open?";
        }
        if (e instanceof SSLException) {
            return where + " gives no trusted TLS connection (" + e.getMessage()
                    + "). Is it https there, and its certificate known to this JVM?";
        }
        return watch.phase() == Phase.CONNECTING
                ? where + " cannot be reached (" + e.getMessage() + ")"
                : where + " closed the connection before it answered (" + e.getMessage()
                        + "). Whether it has worked on the request cannot be known";
    }

    private ModelException timeout(String what, IOException cause, @Nullable Response response) {
        return ModelException.builder(Kind.TIMEOUT, settings.endpoint + ": " + what)
                .gatewayCallId(callId(response))
                .cause(cause)
                .build();
    }

    private static ModelException of(Kind kind, Response response, int status, String message) {
        return ModelException.builder(kind, message)
                .status(status)
                .gatewayCallId(callId(response))
                .build();
    }

    private static @Nullable String callId(@Nullable Response response) {
        return response == null ? null : response.header("x-litellm-call-id");
    }

    /** {@code 1.5 s} reads better than {@code PT1.5S}. */
    private static String text(Duration time) {
        return time.toMillis() % 1000 == 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
    }
}
