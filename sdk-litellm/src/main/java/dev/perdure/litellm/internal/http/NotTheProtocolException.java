package dev.perdure.litellm.internal.http;

/** What came is no answer of a chat completions server. Does not leave this package. */
public final class NotTheProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public NotTheProtocolException(String message) {
        super(message);
    }
}
