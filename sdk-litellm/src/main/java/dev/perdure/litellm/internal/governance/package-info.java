/** What stands behind the gateway's administration: its answers read, its pages turned, its errors told apart. */
@NullMarked
package dev.perdure.litellm.internal.governance;

import org.jspecify.annotations.NullMarked;
