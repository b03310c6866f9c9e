/** What the examples know of the terminal they run in. */
@NullMarked
package dev.perdure.examples.terminal;

import org.jspecify.annotations.NullMarked;
