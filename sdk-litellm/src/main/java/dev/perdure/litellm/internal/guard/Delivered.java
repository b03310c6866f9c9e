package dev.perdure.litellm.internal.guard;

import dev.perdure.spi.CallScope.Deltas;

/** Passes a reply on and remembers whether and when anything came: what somebody has seen is not sent for again. Confined. */
public final class Delivered implements Deltas {
    private final Deltas next;
    private long firstAt;
    private boolean any;

    public Delivered(Deltas next) {
        this.next = next;
    }

    public boolean any() {
        return any;
    }

    /** {@link System#nanoTime} of the first that came; meaningless before. */
    public long firstAt() {
        return firstAt;
    }

    private void came() {
        if (!any) {
            any = true;
            firstAt = System.nanoTime();
        }
    }

    @Override
    public boolean wanted() {
        return next.wanted();
    }

    @Override
    public void text(String more) {
        came();
        next.text(more);
    }

    @Override
    public void thinking(String more) {
        came();
        next.thinking(more);
    }

    @Override
    public void discard() {
        next.discard();
    }
}
