/**
 * What proves an implementation of one of Perdure's plug-in points, and what tests an agent without a network: {@link
 * dev.perdure.testkit.SessionStoreContract}, {@link dev.perdure.testkit.SandboxContract}, {@link dev.perdure.testkit.ModelClientContract} to extend; {@link
 * dev.perdure.testkit.ScriptedModel} and {@link dev.perdure.testkit.TestClock} to use.
 *
 * <p>Everything here runs on JUnit 6 and AssertJ. Stable but for additions.
 */
@NullMarked
package dev.perdure.testkit;

import org.jspecify.annotations.NullMarked;
