package dev.perdure.tool;

/** Whether a human has to agree before a tool runs. */
public final class Approval {
    private static final Approval REQUIRED = new Approval("required");
    private static final Approval NEVER = new Approval("never");

    private final String name;

    private Approval(String name) {
        this.name = name;
    }

    /** Every call waits for an answer. */
    public static Approval required() {
        return REQUIRED;
    }

    /** No call waits. The default. */
    public static Approval never() {
        return NEVER;
    }

    public boolean isRequired() {
        return this == REQUIRED;
    }

    @Override
    public String toString() {
        return name;
    }
}
