package dev.perdure.benchmarks;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;

/** LangChain4j's, with the HTTP client that it brings. Thread-safe. */
final class LangChain4jClient implements ChatClient {
    private final OpenAiChatModel plain;
    private final OpenAiStreamingChatModel streaming;

    LangChain4jClient(LoopbackGateway gateway) {
        this.plain = OpenAiChatModel.builder()
                .baseUrl(gateway.url() + "/v1")
                .apiKey("sk-bench")
                .build();
        this.streaming = OpenAiStreamingChatModel.builder()
                .baseUrl(gateway.url() + "/v1")
                .apiKey("sk-bench")
                .build();
    }

    @Override
    public String name() {
        return "langchain4j";
    }

    @Override
    public Answer call(String model) {
        ChatResponse response = plain.chat(request(model));
        return answer(response, response.aiMessage().text());
    }

    @Override
    public Answer stream(String model) throws Exception {
        StringBuilder text = new StringBuilder();
        CompletableFuture<ChatResponse> done = new CompletableFuture<>();
        streaming.chat(request(model), new StreamingChatResponseHandler() {
            @Override
            public void onPartialResponse(String more) {
                text.append(more);
            }

            @Override
            public void onCompleteResponse(ChatResponse response) {
                done.complete(response);
            }

            @Override
            public void onError(Throwable error) {
                done.completeExceptionally(error);
            }
        });
        return answer(done.get(), text.toString());
    }

    private static ChatRequest request(String model) {
        return ChatRequest.builder()
                .modelName(model)
                .messages(UserMessage.from(LoopbackGateway.QUESTION))
                .build();
    }

    private static Answer answer(ChatResponse response, String text) {
        return new Answer(
                text,
                response.finishReason().name().toLowerCase(Locale.ROOT),
                response.tokenUsage().outputTokenCount());
    }
}
