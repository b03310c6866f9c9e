package dev.perdure.litellm;

import dev.perdure.spi.CallScope;

/** Keeps what came in: text since the last discard, thinking, and how often all was void. */
final class Heard implements CallScope.Deltas {
    final StringBuilder text = new StringBuilder();
    final StringBuilder thinking = new StringBuilder();
    int pieces;
    int discards;
    private final Runnable onText;

    Heard() {
        this(() -> {});
    }

    /** @param onText runs at each piece of text */
    Heard(Runnable onText) {
        this.onText = onText;
    }

    @Override
    public void text(String more) {
        text.append(more);
        pieces++;
        onText.run();
    }

    @Override
    public void thinking(String more) {
        thinking.append(more);
    }

    @Override
    public void discard() {
        text.setLength(0);
        thinking.setLength(0);
        discards++;
    }
}
