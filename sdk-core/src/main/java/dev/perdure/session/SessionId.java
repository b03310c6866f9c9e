package dev.perdure.session;

import java.util.Objects;

/**
 * The name of a session inside its tenant, chosen by the application.
 *
 * @param name 1 to 200 characters, no control characters; compared exactly, case included
 */
public record SessionId(TenantId tenant, String name) {
    public SessionId {
        Objects.requireNonNull(tenant, "tenant");
        Names.require("session name", name, 200);
    }

    public static SessionId of(String tenant, String name) {
        return new SessionId(TenantId.of(tenant), name);
    }

    /** {@code tenant/name}, for people; not unique when a tenant contains a slash. */
    @Override
    public String toString() {
        return tenant + "/" + name;
    }
}
