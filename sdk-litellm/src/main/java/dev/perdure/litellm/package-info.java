/**
 * Model calls through a LiteLLM gateway, or any server that speaks OpenAI's chat completions: {@link
 * dev.perdure.litellm.LiteLlm}.
 */
@NullMarked
package dev.perdure.litellm;

import org.jspecify.annotations.NullMarked;
