package dev.perdure.litellm.internal.http;

/** What came is no answer of a server that speaks the protocol of the wire in use. Does not leave this module. */
public final class NotTheProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public NotTheProtocolException(String message) {
        super(message);
    }
}
