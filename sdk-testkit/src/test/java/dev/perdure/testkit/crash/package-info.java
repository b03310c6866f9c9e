@NullMarked
package dev.perdure.testkit.crash;

import org.jspecify.annotations.NullMarked;
