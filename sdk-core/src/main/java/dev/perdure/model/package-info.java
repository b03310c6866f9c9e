/**
 * What goes to a model and what comes back. The client itself is {@link dev.perdure.spi.ModelClient}.
 */
@NullMarked
package dev.perdure.model;

import org.jspecify.annotations.NullMarked;
