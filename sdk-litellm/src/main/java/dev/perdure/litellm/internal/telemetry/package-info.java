/** Spans and metrics of the client. */
@NullMarked
package dev.perdure.litellm.internal.telemetry;

import org.jspecify.annotations.NullMarked;
