/** Keeps calls back that would do harm, and repeats those that may. */
@NullMarked
package dev.perdure.litellm.internal.guard;

import org.jspecify.annotations.NullMarked;
