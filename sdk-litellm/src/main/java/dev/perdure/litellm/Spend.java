package dev.perdure.litellm;

import dev.perdure.litellm.internal.governance.AdminHttp;
import dev.perdure.litellm.internal.governance.Fields;
import dev.perdure.litellm.internal.governance.KeyHash;
import dev.perdure.litellm.internal.governance.Pages;
import dev.perdure.litellm.internal.http.CallHeaders;
import dev.perdure.session.Json;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.Usage;
import dev.perdure.spi.SessionStore;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The gateway's ledger: a row for each call, refused ones included. Rows appear late, as the gateway writes them in batches (by default every 10 seconds): the {@code await…} methods
 * look until they are there. Lists come newest first, fetched page by page, each row once whatever is added meanwhile. Thread-safe; errors as {@link Governance}.
 */
public final class Spend {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneOffset.UTC);
    private static final long POLL_NANOS = Duration.ofMillis(500).toNanos();
    private static final int READ = 1_000;

    private final AdminHttp http;

    Spend(AdminHttp http) {
        this.http = http;
    }

    /** Calls of a session that was called with {@link LiteLlm}. */
    public Stream<Row> ofSession(SessionId session) {
        Map<String, String> filter = Map.of("session_id", CallHeaders.sessionKey(session));
        return rows(page -> page("spend/logs/session/ui", filter, page));
    }

    /**
     * The rows of one call, by the id that this client gave it: {@code ModelReply.gatewayCallId}, {@code CallScope.callId}. Mostly one; empty as long as the gateway has
     * not written it. The gateway has no index by that id, so that all rows of the session are read.
     */
    public List<Row> ofCall(SessionId session, String callId) {
        return ofSession(session).filter(row -> row.callId().equals(callId)).toList();
    }

    /** As {@link #ofCall}, once there is a row; still empty when there is none after {@code atMost}. */
    public List<Row> awaitCall(SessionId session, String callId, Duration atMost) {
        return await(() -> ofCall(session, callId), rows -> !rows.isEmpty(), atMost);
    }

    /** The row of the reply with this id, such as {@code chatcmpl-…}: a provider's, which need not be unique among providers. */
    public Optional<Row> findResponse(String id) {
        return http.get("spend/logs", Map.of("request_id", id)).elements().stream()
                .map(Row::of)
                .findFirst();
    }

    /** Calls that began within {@code from} (inclusive) and {@code to} (exclusive), by the gateway's clock. */
    public Stream<Row> between(Instant from, Instant to) {
        return between(Map.of(), from, to);
    }

    public Stream<Row> ofKey(String idOrValue, Instant from, Instant to) {
        return between(Map.of("api_key", KeyHash.id(idOrValue)), from, to);
    }

    public Stream<Row> ofUser(String id, Instant from, Instant to) {
        return between(Map.of("user_id", id), from, to);
    }

    public Stream<Row> ofTeam(String id, Instant from, Instant to) {
        return between(Map.of("team_id", id), from, to);
    }

    /** What was spent on each day, in UTC, oldest first; days without a call are left out. Of a key that is no admin's: its user's. */
    public List<Day> daily(LocalDate from, LocalDate toInclusive) {
        return daily("user/daily/activity", Map.of(), from, toInclusive);
    }

    public List<Day> dailyOfTeam(String id, LocalDate from, LocalDate toInclusive) {
        return daily("team/daily/activity", Map.of("team_ids", id), from, toInclusive);
    }

    public List<Day> dailyOfTag(String name, LocalDate from, LocalDate toInclusive) {
        return daily("tag/daily/activity", Map.of("tags", name), from, toInclusive);
    }

    /**
     * What a session really cost: each model call of its log beside the ledger's rows of it. Reads the ledger until it has a row for each reply of the log, {@code atMost}
     * so long.
     *
     * @param log of the session, from its first event on
     */
    public Reconciliation reconcile(SessionId session, Iterable<Recorded> log, Duration atMost) {
        List<Recorded> events = new ArrayList<>();
        log.forEach(events::add);
        return await(
                () -> Reconciliation.of(session, events, ofSession(session).toList()),
                Reconciliation::complete,
                atMost);
    }

    /** As {@link #reconcile(SessionId, Iterable, Duration)}, with the log that {@code store} has. */
    public Reconciliation reconcile(SessionStore store, SessionId session, Duration atMost) {
        return reconcile(session, () -> new LogOf(store, session), atMost);
    }

    private Stream<Row> between(Map<String, String> filter, Instant from, Instant to) {
        if (!from.isBefore(to)) {
            throw new IllegalArgumentException("from is before to, but " + from + " is not before " + to);
        }
        Map<String, String> query = new LinkedHashMap<>(filter);
        query.put("start_date", TIME.format(from));
        // Whole seconds, both ends included: what is too much is left out below.
        query.put("end_date", TIME.format(to.plusSeconds(1)));
        return rows(page -> page("spend/logs/v2", query, page))
                .filter(row ->
                        !row.startedAt().isBefore(from) && row.startedAt().isBefore(to));
    }

    private static Stream<Row> rows(java.util.function.IntFunction<Pages.Page> fetch) {
        return Pages.of(fetch, row -> Fields.text(row, "request_id")).map(Row::of);
    }

    private Pages.Page page(String route, Map<String, String> filter, int page) {
        Map<String, String> query = new LinkedHashMap<>(filter);
        query.put("page", Integer.toString(page));
        query.put("page_size", Integer.toString(Pages.SIZE));
        Json answer = http.get(route, query);
        // In a big ledger the gateway does not count to the end.
        long pages = Fields.isTrue(answer, "total_is_capped") ? Long.MAX_VALUE : Fields.count(answer, "total_pages");
        return new Pages.Page(answer.find("data").map(Json::elements).orElse(List.of()), pages);
    }

    private List<Day> daily(String route, Map<String, String> filter, LocalDate from, LocalDate to) {
        if (to.isBefore(from)) {
            throw new IllegalArgumentException("from is not after toInclusive, but " + from + " is after " + to);
        }
        Map<String, String> query = new LinkedHashMap<>(filter);
        query.put("start_date", from.toString());
        query.put("end_date", to.toString());
        query.put("page_size", "1000");
        Map<LocalDate, Day> days = new TreeMap<>();
        for (long page = 1, pages = 1; page <= pages; page++) {
            query.put("page", Long.toString(page));
            Json answer = http.get(route, query);
            pages = Fields.count(Fields.object(answer, "metadata"), "total_pages");
            for (Json part : answer.find("results").map(Json::elements).orElse(List.of())) {
                Day day = Day.of(part);
                days.merge(day.date(), day, Day::plus);
            }
        }
        return List.copyOf(days.values());
    }

    private static <T> T await(Supplier<T> asked, Predicate<T> enough, Duration atMost) {
        if (atMost.isNegative()) {
            throw new IllegalArgumentException("atMost is not negative, but this is " + atMost);
        }
        long start = System.nanoTime();
        while (true) {
            T answer = asked.get();
            long left = atMost.toNanos() - (System.nanoTime() - start);
            if (enough.test(answer) || left <= 0) {
                return answer;
            }
            // An interrupt ends this, and then the next request.
            LockSupport.parkNanos(Math.min(left, POLL_NANOS));
        }
    }

    /**
     * A call in the ledger.
     *
     * @param id of the reply; of a failed call the call's own
     * @param callId that the client gave it; empty when the gateway does not say
     * @param session as the gateway knows it; empty without one
     * @param usd US dollars, zero for a failed call
     * @param model that was called, mostly {@code provider/model}
     * @param key id of the key that paid
     * @param startedAt by the gateway's clock
     * @param failed whether the gateway counts it as a failure; a stream whose client went away is none, and has cost what had come until then
     * @param all of the gateway's row
     */
    public record Row(
            String id,
            String callId,
            String session,
            BigDecimal usd,
            Usage usage,
            String model,
            @Nullable String deployment,
            String key,
            @Nullable String user,
            @Nullable String team,
            @Nullable String customer,
            Instant startedAt,
            boolean failed,
            Json all) {

        static Row of(Json row) {
            Json metadata = metadata(row);
            Instant started = Fields.instantOrNull(row, "startTime");
            return new Row(
                    Fields.text(row, "request_id"),
                    Fields.text(metadata, "litellm_call_id"),
                    Fields.text(row, "session_id"),
                    Fields.money(row, "spend"),
                    usage(row, metadata),
                    Fields.text(row, "model"),
                    Fields.textOrNull(row, "model_id"),
                    Fields.text(row, "api_key"),
                    Fields.textOrNull(row, "user"),
                    Fields.textOrNull(row, "team_id"),
                    Fields.textOrNull(row, "end_user"),
                    started == null ? Instant.EPOCH : started,
                    Fields.text(row, "status").equals("failure"),
                    row);
        }

        public Optional<String> findDeployment() {
            return Optional.ofNullable(deployment);
        }

        public Optional<String> findUser() {
            return Optional.ofNullable(user);
        }

        public Optional<String> findTeam() {
            return Optional.ofNullable(team);
        }

        public Optional<String> findCustomer() {
            return Optional.ofNullable(customer);
        }

        /** Some versions send it as a text. */
        private static Json metadata(Json row) {
            Optional<String> text = row.findText("metadata");
            if (text.isEmpty()) {
                return Fields.object(row, "metadata");
            }
            try {
                Json parsed = Json.parse(text.get());
                return parsed.isObject() ? parsed : Json.EMPTY;
            } catch (IllegalArgumentException e) {
                return Json.EMPTY;
            }
        }

        private static Usage usage(Json row, Json metadata) {
            Json usage = Fields.object(metadata, "usage_object");
            return new Usage(
                    Fields.count(row, "prompt_tokens"),
                    Fields.count(row, "completion_tokens"),
                    Fields.count(Fields.object(usage, "prompt_tokens_details"), "cached_tokens"),
                    Fields.count(Fields.object(usage, "completion_tokens_details"), "reasoning_tokens"));
        }
    }

    /**
     * A day's sums.
     *
     * @param calls of which {@code failed} have failed
     * @param all of the gateway's entries of that day, with what each model, key and provider had of it; more than one when there is much
     */
    public record Day(LocalDate date, BigDecimal usd, Usage usage, long calls, long failed, List<Json> all) {
        public Day {
            all = List.copyOf(all);
        }

        static Day of(Json part) {
            Json sums = Fields.object(part, "metrics");
            return new Day(
                    LocalDate.parse(Fields.text(part, "date")),
                    Fields.money(sums, "spend"),
                    new Usage(
                            Fields.count(sums, "prompt_tokens"),
                            Fields.count(sums, "completion_tokens"),
                            Fields.count(sums, "cache_read_input_tokens"),
                            0),
                    Fields.count(sums, "api_requests"),
                    Fields.count(sums, "failed_requests"),
                    List.of(part));
        }

        Day plus(Day more) {
            List<Json> both = new ArrayList<>(all);
            both.addAll(more.all);
            return new Day(
                    date, usd.add(more.usd), usage.plus(more.usage), calls + more.calls, failed + more.failed, both);
        }
    }

    /** The events of a log, read as they are asked for. */
    private static final class LogOf implements Iterator<Recorded> {
        private final SessionStore store;
        private final SessionId session;
        private Iterator<Recorded> read = List.<Recorded>of().iterator();
        private long after;

        LogOf(SessionStore store, SessionId session) {
            this.store = store;
            this.session = session;
        }

        @Override
        public boolean hasNext() {
            if (!read.hasNext()) {
                read = store.read(session, after, READ).iterator();
            }
            return read.hasNext();
        }

        @Override
        public Recorded next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Recorded event = read.next();
            after = event.seq();
            return event;
        }
    }
}
