/**
 * Durable agent sessions. Start with {@link dev.perdure.Agent#builder} and {@link dev.perdure.AgentRuntime}; operators with {@link
 * dev.perdure.Operator}; who wants only the durable log with {@link dev.perdure.SessionLog}.
 */
@NullMarked
package dev.perdure;

import org.jspecify.annotations.NullMarked;
