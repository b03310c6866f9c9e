/** Which gateway the example calls. */
@NullMarked
package dev.perdure.examples.gateway;

import org.jspecify.annotations.NullMarked;
