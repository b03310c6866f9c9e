@NullMarked
package dev.perdure.litellm;

import org.jspecify.annotations.NullMarked;
