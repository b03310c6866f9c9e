package dev.perdure.litellm.internal.plain;

import dev.perdure.litellm.LiteLlm;
import dev.perdure.litellm.ModelGroup;
import dev.perdure.litellm.internal.http.GatewayHttp;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.model.ModelException;
import dev.perdure.session.Cost;
import dev.perdure.session.Usage;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import okhttp3.Call;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A gateway's prices, for calls whose cost it does not tell: asked for once for each model, on the thread of the call that first needs them. Thread-safe; two calls at the same
 * time may both ask.
 */
public final class Prices {
    private static final Logger LOG = LoggerFactory.getLogger(LiteLlm.class);
    private static final Duration LONGEST = Duration.ofSeconds(3);
    /** Where there are none for now, or for this key, they are not asked for again so soon. */
    private static final Duration PAUSE = Duration.ofMinutes(5);

    private final Map<String, Known> known = new ConcurrentHashMap<>();

    private record Known(Optional<ModelGroup> group, long at) {
        boolean holds() {
            return group.isPresent() || System.nanoTime() - at < PAUSE.toNanos();
        }
    }

    /**
     * What a call has cost; unknown when the gateway tells no prices.
     *
     * @param within the time that the call has left
     */
    public Cost estimate(Settings settings, Call.Factory transport, String model, Usage usage, Duration within) {
        if (!settings.gateway || usage.total() == 0) {
            return Cost.UNKNOWN;
        }
        Known found = known.get(model);
        if (found == null || !found.holds()) {
            if (within.isNegative() || within.isZero() || Thread.currentThread().isInterrupted()) {
                return Cost.UNKNOWN;
            }
            found = ask(settings.within(within.compareTo(LONGEST) < 0 ? within : LONGEST), transport, model);
            known.put(model, found);
        }
        return found.group.flatMap(group -> group.estimate(usage)).orElse(Cost.UNKNOWN);
    }

    private static Known ask(Settings settings, Call.Factory transport, String model) {
        try {
            GatewayHttp http = new GatewayHttp(settings, transport);
            return new Known(new Catalog(settings, http).findGroup(model), System.nanoTime());
        } catch (ModelException e) {
            LOG.debug("no price of {} from {}: {}", model, settings.endpoint, e.getMessage());
            return new Known(Optional.empty(), System.nanoTime());
        }
    }
}
