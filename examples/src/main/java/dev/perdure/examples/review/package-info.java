/** Parts of the quickstart: the agent, its worker process, and what is counted afterwards. */
@NullMarked
package dev.perdure.examples.review;

import org.jspecify.annotations.NullMarked;
