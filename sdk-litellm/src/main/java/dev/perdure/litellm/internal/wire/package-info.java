/** What goes over the wire: requests, streams, replies. */
@NullMarked
package dev.perdure.litellm.internal.wire;

import org.jspecify.annotations.NullMarked;
