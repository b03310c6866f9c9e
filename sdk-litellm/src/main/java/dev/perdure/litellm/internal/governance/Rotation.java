package dev.perdure.litellm.internal.governance;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What takes the place of a key.
 *
 * @param fields of the new key
 * @param asideAlias what the old key is named from then on; null when it has no alias, or is named so already
 * @param outlivesGrace whether the old key would live longer than the grace by itself
 */
public record Rotation(Json fields, @Nullable String asideAlias, boolean outlivesGrace) {
    private static final String MARK = ".rotated-";
    private static final List<String> COPIED = List.of(
            "models",
            "max_budget",
            "budget_duration",
            "tpm_limit",
            "rpm_limit",
            "max_parallel_requests",
            "user_id",
            "team_id",
            "agent_id",
            "organization_id",
            "project_id",
            "metadata",
            "aliases",
            "config",
            "permissions",
            "model_max_budget",
            "allowed_routes",
            "allowed_cache_controls",
            "policies",
            "blocked");

    /** @param info of the old key */
    public static Rotation of(String place, String id, Json info, Duration grace) {
        if (grace.isNegative()) {
            throw new IllegalArgumentException("a grace is not negative, but this is " + grace);
        }
        if (!grace.isZero()) {
            WireDuration.text("grace", grace);
        }
        Json fields = copied(info);
        Instant now = Instant.now();
        Instant end = Fields.instantOrNull(info, "expires");
        if (end != null) {
            long left = Duration.between(now, end).toSeconds();
            if (left < 1) {
                throw ModelException.builder(
                                Kind.BAD_REQUEST,
                                "the key with id " + id + " of " + place + " expired at " + end
                                        + ": give it a lifetime with update(…) first, or mint a new one")
                        .status(409)
                        .build();
            }
            fields = fields.with("duration", WireDuration.text("lifetime", Duration.ofSeconds(left)));
        }
        String alias = Fields.text(info, "key_alias");
        String aside = MARK + id.substring(0, 8);
        boolean isAside = alias.endsWith(aside);
        String base = isAside ? alias.substring(0, alias.length() - aside.length()) : alias;
        return new Rotation(
                base.isEmpty() ? fields : fields.with("key_alias", base),
                base.isEmpty() || isAside ? null : base + aside,
                end == null || now.plus(grace).isBefore(end));
    }

    public Optional<String> findAsideAlias() {
        return Optional.ofNullable(asideAlias);
    }

    private static Json copied(Json info) {
        String type = Fields.text(info, "key_type");
        boolean typed = !type.isEmpty() && !type.equals("default");
        Json fields = typed ? Json.EMPTY.with("key_type", type) : Json.EMPTY;
        for (String name : COPIED) {
            Optional<Json> value = info.find(name).filter(Rotation::says);
            // A type stands for its routes.
            if (value.isPresent() && !(typed && name.equals("allowed_routes"))) {
                fields = fields.with(name, value.get());
            }
        }
        Optional<Json> soft = Fields.object(info, "litellm_budget_table").find("soft_budget");
        if (soft.isPresent()) {
            return fields.with("soft_budget", soft.get());
        }
        return info.find("budget_id").isPresent()
                ? fields.with("budget_id", info.find("budget_id").orElse(Json.NULL))
                : fields;
    }

    /** Empty fields are left out: some of them ask for a licence by being there. */
    private static boolean says(Json value) {
        return !value.text().equals("{}") && !value.text().equals("[]");
    }
}
