/** Parts of the chat. */
@NullMarked
package dev.perdure.examples.chat;

import org.jspecify.annotations.NullMarked;
