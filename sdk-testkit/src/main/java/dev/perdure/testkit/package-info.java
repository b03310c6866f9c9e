/**
 * What tests need: contracts that every plugged-in part must pass, and parts that do as a script says.
 */
@NullMarked
package dev.perdure.testkit;

import org.jspecify.annotations.NullMarked;
