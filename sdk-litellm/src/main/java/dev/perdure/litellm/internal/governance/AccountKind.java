package dev.perdure.litellm.internal.governance;

import dev.perdure.session.Json;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** How LiteLLM names and asks for each kind of account. What it keeps of a quota was tried on 1.96: the rest it drops without a word. */
public enum AccountKind {
    TEAM("team", "team_id", "team_alias", "team_ids", "v2/team/list", "teams", "parallel"),
    USER("user", "user_id", "user_alias", "user_ids", "user/list", "users", "softUsd"),
    CUSTOMER("customer", "user_id", "alias", "user_ids", "customer/list", "", "models"),
    BUDGET("budget", "budget_id", "", "id", "budget/list", "", "models"),
    /** A tag's models are ids of deployments, for routing. */
    TAG("tag", "name", "", "name", "tag/list", "", "models");

    private final String word;
    private final String id;
    private final String alias;
    private final String deleted;
    private final String list;
    private final String elements;
    private final String dropped;

    AccountKind(String word, String id, String alias, String deleted, String list, String elements, String dropped) {
        this.word = word;
        this.id = id;
        this.alias = alias;
        this.deleted = deleted;
        this.list = list;
        this.elements = elements;
        this.dropped = dropped;
    }

    /** In messages and routes. */
    public String word() {
        return word;
    }

    /** The part of a quota that it cannot have. */
    public String dropped() {
        return dropped;
    }

    /** A body that names it. */
    public Json named(String account) {
        return Json.EMPTY.with(id, account);
    }

    public String idOf(Json account) {
        return Fields.text(account, id);
    }

    public Optional<String> findAlias(Json account) {
        return alias.isEmpty() ? Optional.empty() : Optional.ofNullable(Fields.textOrNull(account, alias));
    }

    public Optional<Json> find(AdminHttp http, String account) {
        return switch (this) {
            case TEAM -> http.find("team/info", Map.of("team_id", account)).flatMap(answer -> answer.find("team_info"));
            case USER -> http.find("user/info", Map.of("user_id", account)).flatMap(answer -> answer.find("user_info"));
            case CUSTOMER -> http.find("customer/info", Map.of("end_user_id", account));
            case BUDGET ->
                http
                        .findByPost("budget/info", Json.EMPTY.with("budgets", List.of(account)))
                        .map(Json::elements)
                        .orElse(List.of())
                        .stream()
                        .findFirst();
            case TAG ->
                http.findByPost("tag/info", Json.EMPTY.with("names", List.of(account)))
                        .flatMap(answer -> answer.find(account));
        };
    }

    /** @return false when there was none */
    public boolean delete(AdminHttp http, String account) {
        Object named = deleted.endsWith("s") ? List.of(account) : account;
        return http.findByPost(word + "/delete", Json.EMPTY.with(deleted, named))
                .isPresent();
    }

    public Pages.Page page(AdminHttp http, int page) {
        Map<String, String> query = elements.isEmpty()
                ? Map.of()
                : Map.of("page", Integer.toString(page), "page_size", Integer.toString(Pages.SIZE));
        Json answer = http.get(list, query);
        Json all = answer.find(elements).orElse(answer);
        return new Pages.Page(all.elements(), elements.isEmpty() ? 1 : Fields.count(answer, "total_pages"));
    }
}
