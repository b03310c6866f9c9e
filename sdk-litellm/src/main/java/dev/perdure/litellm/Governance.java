package dev.perdure.litellm;

import dev.perdure.litellm.internal.governance.AccountKind;
import dev.perdure.litellm.internal.governance.AdminHttp;
import dev.perdure.litellm.internal.http.Endpoint;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.litellm.internal.http.Transport;
import dev.perdure.model.ModelException;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * What a LiteLLM gateway administers: keys, teams, users, customers, budgets, tags, and what was spent.
 *
 * <pre>{@code
 * Governance governance = Governance.at("http://gateway:4000").key(masterKey);
 * Keys.Minted key = governance.keys().mint(KeyRequest.create().alias("support-bot").quota(Quota.none().usd("5")));
 * }</pre>
 *
 * <p>The gateway needs a database for this, and most of it the master key or that of a proxy admin; what else is refused says so. Immutable and thread-safe; all
 * copies share one pool of connections, and nothing needs to be closed. Each method is one or a few requests on the caller's thread. No request is ever
 * repeated by itself; what is safe to repeat says so.
 *
 * <p>A refusal or failure is a {@link ModelException} of the kind that fits, with the status: {@code ACCESS} for what the key may not do or the gateway has no
 * licence for, {@code BAD_REQUEST} for what is wrong, unknown or there already, {@code PROTOCOL} from a gateway without a database, {@code UNAVAILABLE} or
 * {@code TIMEOUT} when another try may help.
 */
public final class Governance {
    private final Settings settings;
    private final Transport transport;
    private final AdminHttp http;

    private Governance(Settings settings, Transport transport) {
        this.settings = settings;
        this.transport = transport;
        this.http = new AdminHttp(settings, transport);
    }

    /**
     * @param baseUrl as of {@link LiteLlm#at}
     * @throws IllegalArgumentException as {@link LiteLlm#at}
     */
    public static Governance at(String baseUrl) {
        Settings settings = new Settings(Endpoint.of(baseUrl), true);
        settings.totalTimeout = Duration.ofSeconds(30);
        return new Governance(settings, new Transport());
    }

    /**
     * The key with which all this is asked for. Never in a message, a log or {@link #toString}.
     *
     * @throws IllegalArgumentException when it is blank or has other than visible ASCII characters
     */
    public Governance key(String key) {
        return with(s -> s.key = Settings.requireKey(key));
    }

    /** For one request as a whole; default 30 seconds. */
    public Governance timeout(Duration timeout) {
        return with(s -> s.totalTimeout = Settings.requirePositive("timeout", timeout));
    }

    /**
     * The key that asks, as the gateway knows it: whose it is, what it has spent and {@linkplain Keys.Key#findLeft what is left}. Any virtual key may ask,
     * unless it is {@linkplain KeyRequest#callsOnly for calls only}.
     *
     * @throws ModelException also for the master key, which is no virtual key: {@code BAD_REQUEST}
     */
    public Keys.Key whoAmI() {
        return keys().itself();
    }

    public Keys keys() {
        return new Keys(http);
    }

    /** Groups of keys and users with a budget and models of their own. */
    public Accounts teams() {
        return new Accounts(http, AccountKind.TEAM);
    }

    /** Who has keys and is a member of teams. */
    public Accounts users() {
        return new Accounts(http, AccountKind.USER);
    }

    /** On whose behalf calls are made, LiteLLM's end users: named by each call, without a key. */
    public Accounts customers() {
        return new Accounts(http, AccountKind.CUSTOMER);
    }

    /** Quotas with a name, which {@link KeyRequest#budget keys} and others share. */
    public Accounts budgets() {
        return new Accounts(http, AccountKind.BUDGET);
    }

    /** Tags with a budget: whatever call has the tag pays from it. */
    public Accounts tags() {
        return new Accounts(http, AccountKind.TAG);
    }

    /** The gateway's ledger, and what a session really cost. */
    public Spend spend() {
        return new Spend(http);
    }

    /** Where the gateway is; not the key. */
    @Override
    public String toString() {
        return "Governance[" + settings.endpoint + "]";
    }

    private Governance with(Consumer<Settings> change) {
        Settings changed = settings.copy();
        change.accept(changed);
        return new Governance(changed, transport);
    }
}
