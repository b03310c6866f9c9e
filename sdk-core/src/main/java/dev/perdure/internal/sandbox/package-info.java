/** The local sandbox and the tools that agents use in any sandbox. */
@NullMarked
package dev.perdure.internal.sandbox;

import org.jspecify.annotations.NullMarked;
