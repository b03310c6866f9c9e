package dev.perdure.litellm.internal.governance;

import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import java.util.Optional;

/** What the metadata of a session's key say of it. In clear: the gateway is told names of sessions with every call. */
public final class SessionMark {
    private static final String TENANT = "perdure_tenant";
    private static final String NAME = "perdure_session";
    private static final String GENERATION = "perdure_generation";
    private static final String ENDED = "perdure_ended";

    private SessionMark() {}

    public static Json on(Json metadata, SessionId session, int generation) {
        return metadata.with(TENANT, session.tenant().value())
                .with(NAME, session.name())
                .with(GENERATION, generation);
    }

    /** Written before such a key is revoked: what is revoked without it was revoked by somebody else. */
    public static Json ended(Json metadata) {
        return metadata.with(ENDED, true);
    }

    public static boolean isEnded(Json metadata) {
        return Fields.isTrue(metadata, ENDED);
    }

    public static Optional<SessionId> findSession(Json metadata) {
        try {
            Optional<String> tenant = metadata.findText(TENANT);
            Optional<String> name = metadata.findText(NAME);
            return tenant.isPresent() && name.isPresent()
                    ? Optional.of(SessionId.of(tenant.get(), name.get()))
                    : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    public static int generation(Json metadata) {
        return (int) Fields.count(metadata, GENERATION);
    }
}
