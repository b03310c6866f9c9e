/**
 * Contracts of everything that can be plugged in, as abstract JUnit classes, and fakes. A new session store proves itself with
 * {@link dev.perdure.testkit.SessionStoreContract}.
 */
@NullMarked
package dev.perdure.testkit;

import org.jspecify.annotations.NullMarked;
