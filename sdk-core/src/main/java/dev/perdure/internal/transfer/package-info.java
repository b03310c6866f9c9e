/** Sessions as lines of JSON. */
@NullMarked
package dev.perdure.internal.transfer;

import org.jspecify.annotations.NullMarked;
