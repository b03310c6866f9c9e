package dev.perdure.litellm.internal.http;

import dev.perdure.model.ModelException.Kind;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Tells what kind of failure an error is. LiteLLM's type and words decide before the status, because one status stands for
 * many: 429 is a rate limit, a spent budget, a session's limit or a lack of deployments. Checked against recordings of 1.96.
 */
public final class ErrorKinds {
    /** Words beyond this are not looked at: an upstream's text may quote the conversation. */
    private static final int HEAD = 400;

    private ErrorKinds() {}

    public static Kind of(int status, ErrorBody error) {
        String head = error.message().length() > HEAD ? error.message().substring(0, HEAD) : error.message();
        Kind kind = ofLimits(error, head);
        kind = kind != null ? kind : ofAccess(error, head);
        kind = kind != null ? kind : ofContent(error, head);
        kind = kind != null ? kind : ofClass(head);
        kind = kind != null ? kind : ofType(error);
        return kind != null ? kind : ofStatus(status);
    }

    private static @Nullable Kind ofLimits(ErrorBody error, String head) {
        if (has(head, "Max iterations exceeded", "Session budget exceeded")) {
            return Kind.SESSION_LIMIT;
        }
        if (error.type().equals("budget_exceeded")
                || has(head, "Budget has been exceeded", "ExceededBudget:", "ExceededTokenBudget")
                // The budgets of a gateway's deployments and providers, in the words of a lack of deployments.
                || has(head, "crossed budget", "Exceeded budget for")
                // The provider's money, not the gateway's: another try does not help either. Some say the same of a
                // minute's limit.
                || (has(head, "exceeded your current quota") && !has(head, "retry in", "PerMinute", "per minute"))
                || error.code().equals("insufficient_quota")) {
            return Kind.BUDGET;
        }
        if (has(head, "No deployments available", "No healthy deployment")) {
            return Kind.UNAVAILABLE;
        }
        return null;
    }

    private static @Nullable Kind ofAccess(ErrorBody error, String head) {
        if (error.type().endsWith("_access_denied")
                || error.type().equals("team_member_permission_error")
                || has(
                        head,
                        "is not allowed to call this route",
                        "Only proxy admin",
                        "Admin-only",
                        "with tag routing")) {
            return Kind.ACCESS;
        }
        // Type auth_error and status 401, though nothing is wrong with the key.
        return has(head, "not allowed in request body") ? Kind.BAD_REQUEST : null;
    }

    private static @Nullable Kind ofContent(ErrorBody error, String head) {
        if (has(head, "ContextWindowExceededError", "maximum context length")
                || error.code().equals("context_length_exceeded")) {
            return Kind.CONTEXT_WINDOW;
        }
        if (has(head, "ContentPolicyViolationError", "content management policy")
                || error.code().equals("content_filter")
                || error.code().equals("content_policy_violation")) {
            return Kind.CONTENT_POLICY;
        }
        boolean guardrail = head.toLowerCase(Locale.ROOT).contains("guardrail")
                && !head.startsWith("litellm.")
                && !error.type().equals("auth_error");
        return guardrail ? Kind.GUARDRAIL : null;
    }

    /** By the class that a message of the gateway's router begins with. */
    private static @Nullable Kind ofClass(String head) {
        if (!head.startsWith("litellm.")) {
            return null;
        }
        int end = head.indexOf(':');
        return switch (end < 0 ? head : head.substring("litellm.".length(), end)) {
            case "RateLimitError" -> Kind.RATE_LIMIT;
            case "Timeout" -> Kind.TIMEOUT;
            case "AuthenticationError" -> Kind.AUTH;
            case "PermissionDeniedError" -> Kind.ACCESS;
            case "InternalServerError",
                    "APIConnectionError",
                    "BadGatewayError",
                    "ServiceUnavailableError",
                    "MidStreamFallbackError" -> Kind.UNAVAILABLE;
            case "BadRequestError",
                    "NotFoundError",
                    "UnsupportedParamsError",
                    "UnprocessableEntityError",
                    "ImageFetchError",
                    "InvalidRequestError" -> Kind.BAD_REQUEST;
            default -> null;
        };
    }

    private static @Nullable Kind ofType(ErrorBody error) {
        return switch (error.type()) {
            case "throttling_error", "rate_limit_error", "rate_limit_exceeded", "requests", "tokens" -> Kind.RATE_LIMIT;
            case "auth_error", "token_not_found_in_db", "expired_key", "authentication_error" -> Kind.AUTH;
            case "permission_error" -> Kind.ACCESS;
            case "invalid_request_error" -> error.code().equals("invalid_api_key") ? Kind.AUTH : null;
            case "guardrail_violation", "blocked_pii_entity" -> Kind.GUARDRAIL;
            case "no_db_connection", "overloaded_error" -> Kind.UNAVAILABLE;
            default -> null;
        };
    }

    private static Kind ofStatus(int status) {
        return switch (status) {
            case 401 -> Kind.AUTH;
            case 402 -> Kind.BUDGET;
            case 403 -> Kind.ACCESS;
            case 408, 504 -> Kind.TIMEOUT;
            case 425, 429 -> Kind.RATE_LIMIT;
            default -> status >= 500 ? Kind.UNAVAILABLE : status >= 400 ? Kind.BAD_REQUEST : Kind.PROTOCOL;
        };
    }

    private static boolean has(String head, String... phrases) {
        for (String phrase : phrases) {
            if (head.contains(phrase)) {
                return true;
            }
        }
        return false;
    }
}
