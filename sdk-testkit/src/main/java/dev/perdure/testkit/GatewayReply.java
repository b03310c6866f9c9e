package dev.perdure.testkit;

import dev.perdure.session.Json;
import dev.perdure.testkit.internal.gateway.ToolCall;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A chat completion of a {@link FakeGateway}: streamed when the request asks for a stream, else in one piece, with LiteLLM's headers, usage
 * and cost. A stream tells both only when the request asks with {@code include_usage}. Methods give a changed copy. Immutable.
 *
 * <p>What ends {@code …After(n)} does so after {@code n} pieces: words of the reasoning and of the text, fragments of tool calls. In one
 * piece there are none, so {@code n} says nothing, and each method says what happens instead.
 */
public final class GatewayReply implements FakeGateway.Answer {
    /** How a reply goes wrong on its way. */
    enum Fault {
        NONE,
        CUT,
        RESET,
        STALL,
        ERROR,
        MALFORMED,
        STOP,
        FALLBACK
    }

    // Written by the constructors and, before anybody else sees the copy, by with.
    List<String> text;
    List<String> reasoning = List.of();
    List<ToolCall> calls = List.of();

    @Nullable
    String finish;

    int promptTokens = -1;
    int completionTokens = -1;

    @Nullable
    Double cost;

    @Nullable
    String fallback;

    Fault fault = Fault.NONE;
    int faultAfter;
    boolean mark = true;
    boolean crlf;
    boolean comments;

    @Nullable
    Duration drip;

    Duration firstAfter = Duration.ZERO;
    Duration pieceEvery = Duration.ZERO;
    List<String> headers = List.of();

    private GatewayReply(List<String> text) {
        this.text = List.copyOf(text);
    }

    private GatewayReply with(Consumer<GatewayReply> change) {
        GatewayReply copy = new GatewayReply(text);
        copy.reasoning = reasoning;
        copy.calls = calls;
        copy.finish = finish;
        copy.promptTokens = promptTokens;
        copy.completionTokens = completionTokens;
        copy.cost = cost;
        copy.fallback = fallback;
        copy.fault = fault;
        copy.faultAfter = faultAfter;
        copy.mark = mark;
        copy.crlf = crlf;
        copy.comments = comments;
        copy.drip = drip;
        copy.firstAfter = firstAfter;
        copy.pieceEvery = pieceEvery;
        copy.headers = headers;
        change.accept(copy);
        return copy;
    }

    // ---- what it says

    /** A text, streamed word by word. */
    public static GatewayReply text(String text) {
        return pieces(words(text));
    }

    /** A text in pieces of the test's own, such as one of a megabyte. */
    public static GatewayReply pieces(String... pieces) {
        return new GatewayReply(Arrays.asList(pieces));
    }

    /**
     * A tool call.
     *
     * @param arguments a record, a map (its fields sorted by name) or {@link Json}; or a text, which is sent as it is
     */
    public static GatewayReply call(String tool, Object arguments) {
        return pieces().andCall(tool, arguments);
    }

    /** One more tool call. The fragments of several calls are streamed in turn. */
    public GatewayReply andCall(String tool, Object arguments) {
        String text = arguments instanceof String written
                ? written
                : Json.of(arguments instanceof Map<?, ?> map ? new TreeMap<>(map) : arguments)
                        .text();
        List<ToolCall> more = new ArrayList<>(calls);
        more.add(new ToolCall("", tool, text));
        return with(reply -> reply.calls = List.copyOf(more));
    }

    /** Reasoning before the text, in these pieces; one is streamed word by word. Each piece is a token. */
    public GatewayReply reasoning(String... pieces) {
        List<String> thoughts = List.of(pieces.length == 1 ? words(pieces[0]) : pieces);
        return with(reply -> reply.reasoning = thoughts);
    }

    /** Why it ends; else {@code tool_calls} when it calls tools, {@code stop} when not. */
    public GatewayReply finishReason(String reason) {
        return with(reply -> reply.finish = reason);
    }

    /** The tokens it reports; else words are counted, and 8 for each tool call. */
    public GatewayReply usage(int prompt, int completion) {
        return with(reply -> {
            reply.promptTokens = prompt;
            reply.completionTokens = completion;
        });
    }

    /** What it costs, in US dollars; else tokens by the gateway's prices. */
    public GatewayReply cost(String usd) {
        double amount = Double.parseDouble(usd);
        return with(reply -> reply.cost = amount);
    }

    /** One more header, or another value for one that is there. */
    public GatewayReply header(String name, String value) {
        List<String> more = new ArrayList<>(headers);
        more.add(name + ": " + value);
        return with(reply -> reply.headers = List.copyOf(more));
    }

    /** Another model answers because the one that was asked failed before its first word: headers tell it. */
    public GatewayReply fallback(String model) {
        return with(reply -> reply.fallback = model);
    }

    // ---- when

    /** Waits before the first byte. */
    public GatewayReply after(Duration delay) {
        return with(reply -> reply.firstAfter = delay);
    }

    /** Waits before each further piece of a stream. */
    public GatewayReply pieceEvery(Duration delay) {
        return with(reply -> reply.pieceEvery = delay);
    }

    // ---- what goes wrong

    /** The connection is closed. In one piece: in the middle of the body. */
    public GatewayReply cutAfter(int pieces) {
        return broken(Fault.CUT, pieces);
    }

    /** The connection is reset. In one piece: in the middle of the body. */
    public GatewayReply resetAfter(int pieces) {
        return broken(Fault.RESET, pieces);
    }

    /** Silence until the gateway is closed. In one piece: in the middle of the body. */
    public GatewayReply stallAfter(int pieces) {
        return broken(Fault.STALL, pieces);
    }

    /**
     * The provider failed: LiteLLM sends an error event and ends the stream in good order, without its mark. After 0 pieces, status 500 and
     * plain JSON. In one piece: as {@link GatewayRefusal#serverError}.
     */
    public GatewayReply errorAfter(int pieces) {
        return broken(Fault.ERROR, pieces);
    }

    /** An event is half of a JSON object, and the stream goes on. In one piece: half of the body with a length that fits. */
    public GatewayReply malformedAfter(int pieces) {
        return broken(Fault.MALFORMED, pieces);
    }

    /**
     * The provider's stream broke off, and LiteLLM invents the end: {@code finish_reason} stop, usage, and the mark. No client can see that
     * the reply is not whole. In one piece: the same text.
     */
    public GatewayReply stopAfter(int pieces) {
        return broken(Fault.STOP, pieces);
    }

    /**
     * The model broke off and another begins anew: a second role delta, with another id and the other model, then the whole text; headers
     * name the broken one and no fallback. In one piece: as {@link #fallback}.
     */
    public GatewayReply fallbackAfter(int pieces, String model) {
        return broken(Fault.FALLBACK, pieces).with(reply -> reply.fallback = model);
    }

    /** The stream ends in good order, but without {@code [DONE]}. */
    public GatewayReply withoutMark() {
        return with(reply -> reply.mark = false);
    }

    private GatewayReply broken(Fault how, int pieces) {
        if (pieces < 0) {
            throw new IllegalArgumentException(
                    "a reply cannot break after " + pieces + " pieces; 0 is before the first");
        }
        return with(reply -> {
            reply.fault = how;
            reply.faultAfter = pieces;
        });
    }

    // ---- how a stream is written

    /** Lines of the stream end with CR LF. */
    public GatewayReply crlf() {
        return with(reply -> reply.crlf = true);
    }

    /** A comment stands before each event. */
    public GatewayReply comments() {
        return with(reply -> reply.comments = true);
    }

    /** Each byte is sent by itself, so that characters and lines arrive in pieces; {@code pause} between two may be zero. */
    public GatewayReply drip(Duration pause) {
        return with(reply -> reply.drip = pause);
    }

    /** Words with the space behind them. */
    static String[] words(String text) {
        return text.isEmpty() ? new String[0] : text.split("(?<=\\s)(?=\\S)", -1);
    }

    @Override
    public void play(FakeGateway.Exchange exchange) throws IOException, InterruptedException {
        if (!exchange.request().path().endsWith("/chat/completions")) {
            GatewayRefusal.of(
                            400,
                            "fake_gateway_error",
                            "a GatewayReply is a chat completion; for "
                                    + exchange.request().path() + " write an Answer")
                    .play(exchange);
            return;
        }
        exchange.pause(firstAfter);
        ReplyPlayer player = new ReplyPlayer(this, exchange);
        if (exchange.streamed()) {
            player.stream();
        } else {
            player.whole();
        }
    }
}
