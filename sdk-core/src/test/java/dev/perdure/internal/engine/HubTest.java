package dev.perdure.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class HubTest {
    private static final class Silent implements Hub.Follower {
        @Override
        public void events(List<Recorded> events) {}

        @Override
        public void text(int turn, long after, int offset, String more) {}

        @Override
        public void discard(long after) {}

        @Override
        public void runEnded(@Nullable Throwable error) {}
    }

    @Test
    void followerThatNobodyHolds_isForgotten() {
        Hub hub = new Hub();
        SessionId id = SessionId.of("acme", "s");
        Silent held = new Silent();
        hub.follow(id, held);
        hub.follow(id, new Silent());
        long end = System.nanoTime() + 10_000_000_000L;
        while (hub.followers(id).size() > 1 && System.nanoTime() < end) {
            System.gc();
            LockSupport.parkNanos(5_000_000);
        }
        assertThat(hub.followers(id)).containsExactly(held);
        hub.unfollow(id, held);
        assertThat(hub.followers(id)).isEmpty();
    }
}
