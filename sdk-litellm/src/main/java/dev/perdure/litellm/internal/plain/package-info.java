/** Plain calls beside those of a model: embeddings, models and prices, tokens, health. */
@NullMarked
package dev.perdure.litellm.internal.plain;

import org.jspecify.annotations.NullMarked;
