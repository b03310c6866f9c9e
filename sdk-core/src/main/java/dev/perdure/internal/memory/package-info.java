/** Sessions in memory. */
@NullMarked
package dev.perdure.internal.memory;

import org.jspecify.annotations.NullMarked;
