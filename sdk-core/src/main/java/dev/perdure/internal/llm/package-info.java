/** Not for use from outside of this module. */
@NullMarked
package dev.perdure.internal.llm;

import org.jspecify.annotations.NullMarked;
