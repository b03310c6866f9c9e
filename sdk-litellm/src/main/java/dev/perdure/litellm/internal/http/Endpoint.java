package dev.perdure.litellm.internal.http;

import okhttp3.HttpUrl;

/**
 * Where a gateway is.
 *
 * @param api the base of OpenAI's routes; its path ends in {@code /}
 * @param completions where chat completions are
 * @param name of that place in messages
 */
public record Endpoint(HttpUrl api, HttpUrl completions, String name) {

    public static Endpoint of(String baseUrl) {
        HttpUrl base = parse(Settings.requireGiven("baseUrl", baseUrl));
        // Not quoted: a password may be in it.
        if (!base.username().isEmpty()
                || !base.password().isEmpty()
                || base.query() != null
                || base.fragment() != null) {
            throw new IllegalArgumentException("the URL of host " + base.host()
                    + " has a user, query or fragment; give the key with key(…) and the rest not at all");
        }
        String path = base.encodedPath().equals("/") ? "/v1" : base.encodedPath();
        HttpUrl api = base.newBuilder()
                .encodedPath(path.endsWith("/") ? path : path + "/")
                .build();
        return new Endpoint(
                api, api.newBuilder().addPathSegments("chat/completions").build(), baseUrl);
    }

    /** A route of OpenAI's, such as {@code embeddings}. */
    public HttpUrl at(String route) {
        return route.equals("chat/completions")
                ? completions
                : api.newBuilder().addPathSegments(route).build();
    }

    /** A route of LiteLLM's own, such as {@code key/info}: these are above {@code /v1}. */
    public HttpUrl.Builder above(String route) {
        String path = api.encodedPath();
        String root = path.endsWith("/v1/") ? path.substring(0, path.length() - "v1/".length()) : path;
        return api.newBuilder().encodedPath(root).addPathSegments(route);
    }

    private static HttpUrl parse(String baseUrl) {
        try {
            return HttpUrl.get(baseUrl);
        } catch (IllegalArgumentException e) {
            if (baseUrl.matches("(?i)https?:.*")) {
                // OkHttp names the part that is wrong. The rest is not quoted: a password may be in it.
                throw new IllegalArgumentException("no usable URL: " + e.getMessage(), e);
            }
            if (baseUrl.contains("@") || baseUrl.startsWith("sk-") || baseUrl.length() > 100) {
                // Not quoted: it may be a key, or have a password in it.
                throw new IllegalArgumentException("no http or https URL, in " + baseUrl.length() + " characters");
            }
            boolean bare = !baseUrl.contains("://") && HttpUrl.parse("http://" + baseUrl) != null;
            throw new IllegalArgumentException(
                    "no http or https URL: \"" + baseUrl + "\"" + (bare ? "; write http://" + baseUrl : ""));
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
