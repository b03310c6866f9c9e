/**
 * Tortures a session store: {@link dev.perdure.testkit.crash.CrashHarness} kills and pauses JVMs that run sessions on it, and
 * {@link dev.perdure.testkit.crash.LogChecker} then looks for what must not have happened.
 */
@NullMarked
package dev.perdure.testkit.crash;

import org.jspecify.annotations.NullMarked;
