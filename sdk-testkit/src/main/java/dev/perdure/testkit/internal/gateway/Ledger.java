package dev.perdure.testkit.internal.gateway;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Rows of {@code /spend/logs}, which become visible some time after their call. Newest first. Thread-safe. */
final class Ledger {
    private record Row(Instant at, String requestId, String key, Map<String, @Nullable Object> fields) {}

    private final List<Row> rows = new ArrayList<>();

    synchronized void add(
            Call call, String responseId, Bill bill, @Nullable String user, @Nullable String alias, Instant at) {
        String hash = Refusals.hash(call.key());
        Map<String, @Nullable Object> row = Template.SPEND.fields();
        row.put("request_id", responseId);
        row.put("api_key", hash);
        row.put("spend", bill.cost());
        row.put("total_tokens", bill.total());
        row.put("prompt_tokens", bill.prompt());
        row.put("completion_tokens", bill.completion());
        row.put("startTime", Management.zulu(at));
        row.put("endTime", Management.zulu(at));
        row.put("completionStartTime", Management.zulu(at));
        row.put("request_duration_ms", 0);
        row.put("model_group", call.model());
        row.put("user", user == null ? "" : user);
        row.put("cache_key", Refusals.hash(responseId));
        row.put("request_tags", call.tags());
        row.put("end_user", call.endUser());
        row.put("session_id", call.sessionId().isEmpty() ? call.id() : call.sessionId());
        row.put("metadata", metadata(row, call, bill, user, alias, hash));
        rows.add(0, new Row(at, responseId, hash, row));
    }

    private static Map<String, @Nullable Object> metadata(
            Map<String, @Nullable Object> row,
            Call call,
            Bill bill,
            @Nullable String user,
            @Nullable String alias,
            String hash) {
        @SuppressWarnings("unchecked")
        Map<String, @Nullable Object> metadata = (Map<String, @Nullable Object>) row.get("metadata");
        if (metadata == null) {
            throw new IllegalStateException("templates.json has a row without metadata");
        }
        metadata.put(
                "usage_object",
                Map.of(
                        "total_tokens",
                        bill.total(),
                        "prompt_tokens",
                        bill.prompt(),
                        "completion_tokens",
                        bill.completion()));
        metadata.put("user_api_key", hash);
        metadata.put("cost_breakdown", Map.of("total_cost", bill.cost(), "original_cost", bill.cost()));
        metadata.put("litellm_call_id", call.id());
        metadata.put("user_api_key_alias", alias);
        metadata.put("user_api_key_user_id", user);
        return metadata;
    }

    /** A row is looked for by the id of its response; the call's own id is only in its metadata. */
    synchronized List<Map<String, @Nullable Object>> rows(
            Predicate<String> requestId, Predicate<String> key, Duration delay, Instant now) {
        return rows.stream()
                .filter(row -> !row.at.plus(delay).isAfter(now))
                .filter(row -> requestId.test(row.requestId) && key.test(row.key))
                .map(Row::fields)
                .toList();
    }
}
