/** Not for use from outside of this module. */
@NullMarked
package dev.perdure.internal.engine;

import org.jspecify.annotations.NullMarked;
