/**
 * Tools that an agent may call. Start with {@link dev.perdure.tool.Tool}.
 */
@NullMarked
package dev.perdure.tool;

import org.jspecify.annotations.NullMarked;
