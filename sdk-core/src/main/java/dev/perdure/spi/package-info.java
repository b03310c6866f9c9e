/**
 * Everything that can be plugged in: {@link dev.perdure.spi.SessionStore}, {@link dev.perdure.spi.ModelClient}, {@link
 * dev.perdure.spi.SandboxProvider}. Each has a contract of tests in {@code perdure-testkit}.
 */
@NullMarked
package dev.perdure.spi;

import org.jspecify.annotations.NullMarked;
