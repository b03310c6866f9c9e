package dev.perdure.litellm.internal.http;

import dev.perdure.session.Interruption;
import dev.perdure.spi.CallScope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * On whose behalf and within what bounds one call is made.
 *
 * @param session as the gateway is told it; null without one
 * @param endUser as the gateway is told it; null without one
 */
public record CallContext(
        String callId,
        @Nullable String session,
        List<String> tags,
        @Nullable String endUser,
        Duration timeout,
        Interruption interruption,
        CallScope.Deltas deltas) {

    public static CallContext of(CallScope scope) {
        List<String> tags = new ArrayList<>();
        new TreeMap<>(scope.tags()).forEach((name, value) -> tags.add(name + ":" + value));
        return new CallContext(
                scope.callId(),
                CallHeaders.sessionKey(scope.session()),
                tags,
                null,
                Settings.atMost(scope.timeout()),
                scope.interruption(),
                scope.deltas());
    }

    public CallContext withDeltas(CallScope.Deltas other) {
        return new CallContext(callId, session, tags, endUser, timeout, interruption, other);
    }

    public CallContext withCallId(String other) {
        return new CallContext(other, session, tags, endUser, timeout, interruption, deltas);
    }

    public CallContext within(Duration other) {
        return new CallContext(callId, session, tags, endUser, other, interruption, deltas);
    }
}
