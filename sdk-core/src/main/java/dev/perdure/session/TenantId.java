package dev.perdure.session;

/**
 * A tenant: the outermost owner of sessions. No query of a store ever spans two tenants.
 *
 * @param value 1 to 100 characters, no control characters
 */
public record TenantId(String value) {
    public TenantId {
        Names.require("tenant", value, 100);
    }

    public static TenantId of(String value) {
        return new TenantId(value);
    }

    @Override
    public String toString() {
        return value;
    }
}
