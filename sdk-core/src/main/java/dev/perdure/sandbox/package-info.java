/**
 * Places where tools run commands and keep files. Who makes them is a {@link dev.perdure.spi.SandboxProvider}.
 */
@NullMarked
package dev.perdure.sandbox;

import org.jspecify.annotations.NullMarked;
