package dev.perdure.benchmarks;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.CompletionUsage;
import java.util.Iterator;

/** OpenAI's own. Of a stream the text alone is put together, not the whole completion. Thread-safe. */
final class OpenAiJavaClient implements ChatClient {
    private final OpenAIClient client;

    OpenAiJavaClient(LoopbackGateway gateway) {
        this.client = OpenAIOkHttpClient.builder()
                .baseUrl(gateway.url() + "/v1")
                .apiKey("sk-bench")
                .build();
    }

    @Override
    public String name() {
        return "openai-java";
    }

    @Override
    public Answer call(String model) {
        ChatCompletion completion =
                client.chat().completions().create(params(model).build());
        ChatCompletion.Choice choice = completion.choices().get(0);
        return new Answer(
                choice.message().content().orElse(""),
                choice.finishReason().asString(),
                completion.usage().map(CompletionUsage::completionTokens).orElse(0L));
    }

    @Override
    public Answer stream(String model) {
        ChatCompletionStreamOptions options =
                ChatCompletionStreamOptions.builder().includeUsage(true).build();
        StringBuilder text = new StringBuilder();
        String finishReason = "";
        long tokens = 0;
        try (StreamResponse<ChatCompletionChunk> stream = client.chat()
                .completions()
                .createStreaming(params(model).streamOptions(options).build())) {
            Iterator<ChatCompletionChunk> chunks = stream.stream().iterator();
            while (chunks.hasNext()) {
                ChatCompletionChunk chunk = chunks.next();
                ChatCompletionChunk.Choice choice = chunk.choices().get(0);
                choice.delta().content().ifPresent(text::append);
                finishReason = choice.finishReason()
                        .map(ChatCompletionChunk.Choice.FinishReason::asString)
                        .orElse(finishReason);
                tokens = chunk.usage().map(CompletionUsage::completionTokens).orElse(tokens);
            }
        }
        return new Answer(text.toString(), finishReason, tokens);
    }

    private static ChatCompletionCreateParams.Builder params(String model) {
        return ChatCompletionCreateParams.builder().model(model).addUserMessage(LoopbackGateway.QUESTION);
    }
}
