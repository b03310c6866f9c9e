package dev.perdure.litellm;

/** What came is no answer of a chat completions server. Does not leave this package. */
final class NotTheProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1;

    NotTheProtocolException(String message) {
        super(message);
    }
}
