package dev.perdure.litellm.internal.http;

import okhttp3.HttpUrl;

/** Where chat completions are, and the name of that place in messages. */
public record Endpoint(HttpUrl completions, String name) {

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
        HttpUrl.Builder url = base.newBuilder();
        if (base.encodedPath().equals("/")) {
            url.addPathSegment("v1");
        }
        if (baseUrl.endsWith("/") && !base.encodedPath().equals("/")) {
            url.setPathSegment(base.pathSize() - 1, "chat").addPathSegment("completions");
        } else {
            url.addPathSegments("chat/completions");
        }
        return new Endpoint(url.build(), baseUrl);
    }

    private static HttpUrl parse(String baseUrl) {
        try {
            return HttpUrl.get(baseUrl);
        } catch (IllegalArgumentException e) {
            if (baseUrl.matches("(?i)https?:.*")) {
                // OkHttp names the part that is wrong. The rest is not quoted: a password may be in it.
                throw new IllegalArgumentException("no usable URL: " + e.getMessage(), e);
            }
            boolean bare = !baseUrl.contains("://") && HttpUrl.parse("http://" + baseUrl) != null;
            throw new IllegalArgumentException(
                    "no http or https URL: \"" + baseUrl + "\"" + (bare ? "; write http://" + baseUrl : ""), e);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
