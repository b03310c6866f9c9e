/** Which model the examples talk to. */
@NullMarked
package dev.perdure.examples.model;

import org.jspecify.annotations.NullMarked;
