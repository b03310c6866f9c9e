/** Perdure beside what a user would pick instead, in one process run. */
@NullMarked
package dev.perdure.benchmarks;

import org.jspecify.annotations.NullMarked;
