/** Programs to run, one a feature: {@code examples/run NAME}. */
@NullMarked
package dev.perdure.examples;

import org.jspecify.annotations.NullMarked;
