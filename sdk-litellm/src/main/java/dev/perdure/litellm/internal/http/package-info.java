/** Requests to a gateway and what goes wrong with them. */
@NullMarked
package dev.perdure.litellm.internal.http;

import org.jspecify.annotations.NullMarked;
