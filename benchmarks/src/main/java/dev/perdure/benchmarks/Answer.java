package dev.perdure.benchmarks;

/** What a client made of a reply of the {@link LoopbackGateway}. */
record Answer(String text, String finishReason, long outputTokens) {

    /** @throws IllegalStateException when it is another: what is measured would not be the work */
    void requireEqual(Answer whole) {
        if (!equals(whole)) {
            throw new IllegalStateException("not the whole reply: " + this);
        }
    }
}
