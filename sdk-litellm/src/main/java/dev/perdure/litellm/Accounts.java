package dev.perdure.litellm;

import dev.perdure.litellm.internal.governance.AccountKind;
import dev.perdure.litellm.internal.governance.AdminHttp;
import dev.perdure.litellm.internal.governance.Fields;
import dev.perdure.litellm.internal.governance.Pages;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Json;
import java.math.BigDecimal;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The gateway's teams, users, customers, budgets or tags: {@link Governance#teams} and its like say which. Thread-safe; errors as {@link Governance}.
 *
 * <p>A limit that LiteLLM 1.96 drops without a word is refused here: {@code models} of customers, budgets and tags, {@code parallel} of teams, {@code softUsd} of users.
 */
public final class Accounts {
    private final AdminHttp http;
    private final AccountKind kind;

    Accounts(AdminHttp http, AccountKind kind) {
        this.http = http;
        this.kind = kind;
    }

    /**
     * Makes one. Not safe to repeat after an unknown outcome: the repeat is refused when the first try was written. A user gets no key.
     *
     * @throws ModelException {@code BAD_REQUEST} when the id is taken
     * @throws IllegalArgumentException when {@code quota} has what such an account cannot have
     */
    public Account create(String id, Quota quota) {
        return create(id, quota, Json.EMPTY);
    }

    /** @param more further fields of LiteLLM's {@code …/new}, such as {@code team_alias}, {@code user_email}, {@code metadata} */
    public Account create(String id, Quota quota, Json more) {
        Json body = body(id, quota, more);
        http.post(kind.word() + "/new", kind == AccountKind.USER ? withoutKey(body) : body);
        return get(id);
    }

    public Optional<Account> find(String id) {
        return kind.find(http, requireId(id)).map(this::account);
    }

    /**
     * Changes what {@code quota} says. Safe to repeat. Of customers the soft and the parallel limit stay as they were made.
     *
     * @throws ModelException {@code BAD_REQUEST} with status 404 when there is none; LiteLLM itself would make a user, and leave a budget out
     */
    public Account update(String id, Quota quota) {
        return update(id, quota, Json.EMPTY);
    }

    /** @param more further fields of LiteLLM's {@code …/update}; null lifts what is set */
    public Account update(String id, Quota quota, Json more) {
        Json body = body(id, quota, more);
        get(id);
        http.post(kind.word() + "/update", body);
        return get(id);
    }

    /**
     * Calls of the team are refused until {@link #unblock}; for up to a minute they may still pass. Safe to repeat.
     *
     * @throws UnsupportedOperationException for everything but teams: LiteLLM 1.96 cannot block a user, budget or tag, answers 500 when it shall block a customer,
     *     and lets one pass whose field {@code blocked} is set. Give it a quota that is spent, or block its keys
     */
    public void block(String id) {
        requireTeams("block");
        http.post("team/block", kind.named(requireId(id)));
    }

    /** Ends {@link #block}. */
    public void unblock(String id) {
        requireTeams("unblock");
        http.post("team/unblock", kind.named(requireId(id)));
    }

    /**
     * Deletes it, and with a team its keys. Safe to repeat.
     *
     * @return false when there was none
     */
    public boolean delete(String id) {
        // A budget that is not there is deleted with 200.
        return kind.delete(http, requireId(id));
    }

    /** All, fetched page by page where the gateway has pages: of teams and users. Tags with which somebody has only made calls are listed too. */
    public Stream<Account> list() {
        return Pages.of(page -> kind.page(http, page), kind::idOf).map(this::account);
    }

    /**
     * Puts a user into a team; unknown users are made.
     *
     * @param quota of the user in this team: only {@code usd} can be limited
     * @throws ModelException {@code BAD_REQUEST} when the user is a member already
     * @throws UnsupportedOperationException unless these are teams
     */
    public void addMember(String team, String user, Quota quota) {
        requireTeams("have members");
        if (!quota.equals(Quota.none().usd(quota.usd()))) {
            throw new IllegalArgumentException("of a team's member only usd is limited, but this is " + quota);
        }
        Json member = Json.EMPTY.with("role", "user").with("user_id", requireId(user));
        Json body = kind.named(requireId(team)).with("member", member);
        http.post(
                "team/member_add",
                quota.findUsd().map(usd -> body.with("max_budget_in_team", usd)).orElse(body));
    }

    /**
     * Takes a user out of a team.
     *
     * @throws ModelException {@code BAD_REQUEST} when the user is no member
     * @throws UnsupportedOperationException unless these are teams
     */
    public void removeMember(String team, String user) {
        requireTeams("have members");
        http.post("team/member_delete", kind.named(requireId(team)).with("user_id", requireId(user)));
    }

    private Account get(String id) {
        return find(id).orElseThrow(() -> ModelException.builder(
                        Kind.BAD_REQUEST, http.place() + " knows no " + kind.word() + " \"" + id + "\"")
                .status(404)
                .build());
    }

    private Json body(String id, Quota quota, Json more) {
        if (!more.isObject()) {
            throw new IllegalArgumentException("more fields are a JSON object, but these are " + more.text());
        }
        boolean asked = switch (kind.dropped()) {
            case "models" -> !quota.models().isEmpty();
            case "parallel" -> quota.parallel() != null;
            default -> quota.softUsd() != null;
        };
        if (asked) {
            throw new IllegalArgumentException("LiteLLM keeps no " + kind.dropped() + " of a " + kind.word()
                    + ": leave it out of " + quota + " and limit the keys");
        }
        Json body = quota.in(kind.named(requireId(id)));
        for (String name : more.names()) {
            body = body.with(name, more.find(name).orElse(Json.NULL));
        }
        return body;
    }

    private static Json withoutKey(Json body) {
        return body.with("auto_create_key", false);
    }

    private void requireTeams(String what) {
        if (kind != AccountKind.TEAM) {
            throw new UnsupportedOperationException("only teams can " + what + ", a " + kind.word() + " cannot");
        }
    }

    private static String requireId(String id) {
        if (Objects.requireNonNull(id, "id").isBlank()) {
            throw new IllegalArgumentException("an id is not blank");
        }
        return id;
    }

    private Account account(Json answer) {
        return new Account(
                kind.idOf(answer),
                kind.findAlias(answer).orElse(null),
                Fields.decimalOrNull(answer, "spend"),
                Quota.of(answer),
                Fields.isTrue(answer, "blocked"),
                answer);
    }

    /**
     * A team, user, customer, budget or tag as the gateway knows it.
     *
     * @param id of a tag: its name
     * @param alias a name for people; null without one
     * @param spend US dollars since the budget began to count, a few seconds late; null where LiteLLM says none: of budgets and tags
     * @param all of the gateway's answer
     */
    public record Account(
            String id, @Nullable String alias, @Nullable BigDecimal spend, Quota quota, boolean blocked, Json all) {

        public Optional<String> findAlias() {
            return Optional.ofNullable(alias);
        }

        public Optional<BigDecimal> findSpend() {
            return Optional.ofNullable(spend);
        }

        /** US dollars; zero when more is spent, empty without a budget or where the spend is not known. */
        public Optional<BigDecimal> findLeft() {
            return spend == null
                    ? Optional.empty()
                    : quota.findUsd().map(most -> most.subtract(spend).max(BigDecimal.ZERO));
        }
    }
}
