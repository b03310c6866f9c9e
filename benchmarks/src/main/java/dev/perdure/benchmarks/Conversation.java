package dev.perdure.benchmarks;

import java.sql.SQLException;

/** A conversation that is made durable message by message, in some way. Confined. */
interface Conversation {
    /** From the user and from the model by turns. Durable when this returns. */
    void add(String text) throws SQLException;
}
