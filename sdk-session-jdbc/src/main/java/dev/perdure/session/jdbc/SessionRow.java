package dev.perdure.session.jdbc;

import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A session's row, with the end of its log and the store's clock at the same moment.
 *
 * @param attempts claims since it last made progress
 * @param storedAttempts as it stands in the row
 */
record SessionRow(
        long key,
        SessionId id,
        String agent,
        SessionStatus status,
        String labels,
        long fence,
        @Nullable WorkerId owner,
        long leaseUntil,
        int attempts,
        int storedAttempts,
        long retryAt,
        long inboxHead,
        long openedAt,
        long changedAt,
        long head,
        long now) {

    static SessionRow of(ResultSet row) throws SQLException {
        String owner = row.getString("owner");
        return new SessionRow(
                row.getLong("id"),
                SessionId.of(row.getString("tenant"), row.getString("name")),
                row.getString("agent"),
                Stored.constant(SessionStatus.class, row.getString("status")),
                row.getString("labels"),
                row.getLong("fence"),
                owner == null ? null : new WorkerId(owner),
                row.getLong("lease_until"),
                row.getInt("progressed") == 1 ? 0 : row.getInt("attempts"),
                row.getInt("attempts"),
                row.getLong("retry_at"),
                row.getLong("inbox_head"),
                row.getLong("opened_at"),
                row.getLong("changed_at"),
                row.getLong("head"),
                row.getLong("now"));
    }

    /** Whether neither its log nor its inbox has grown since; all else that a session has changes with one of them. */
    boolean isAsFarAs(SessionRow other) {
        return key == other.key && head == other.head && inboxHead == other.inboxHead;
    }

    SessionInfo info() {
        return new SessionInfo(
                id,
                agent,
                status,
                labels(labels),
                Instant.ofEpochMilli(openedAt),
                Instant.ofEpochMilli(changedAt),
                owner,
                status == SessionStatus.RUNNING ? Instant.ofEpochMilli(leaseUntil) : null,
                attempts);
    }

    private static Map<String, String> labels(String text) {
        Json json = Json.parse(text);
        Map<String, String> labels = new LinkedHashMap<>();
        json.names().forEach(name -> labels.put(name, json.findText(name).orElse("")));
        return labels;
    }
}
