package dev.perdure.testkit;

import dev.perdure.testkit.FakeGateway.Exchange;
import dev.perdure.testkit.GatewayReply.Fault;
import dev.perdure.testkit.internal.gateway.Bill;
import dev.perdure.testkit.internal.gateway.Call;
import dev.perdure.testkit.internal.gateway.ChatJson;
import dev.perdure.testkit.internal.gateway.GatewayState;
import dev.perdure.testkit.internal.gateway.ToolCall;
import dev.perdure.testkit.internal.gateway.Whole;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Writes one {@link GatewayReply} to one connection. */
final class ReplyPlayer {
    private final GatewayReply reply;
    private final Exchange exchange;
    private final Call call;
    private final GatewayState state;
    private final String id;
    private final List<ToolCall> calls;
    private final String finish;

    ReplyPlayer(GatewayReply reply, Exchange exchange) {
        this.reply = reply;
        this.exchange = exchange;
        call = exchange.call();
        state = exchange.state();
        id = state.responseId();
        calls = named(reply.calls);
        finish = reply.finish != null ? reply.finish : calls.isEmpty() ? "stop" : "tool_calls";
    }

    private List<ToolCall> named(List<ToolCall> unnamed) {
        List<ToolCall> named = new ArrayList<>();
        for (ToolCall each : unnamed) {
            String number = id.substring(id.lastIndexOf('-') + 1) + "_" + (named.size() + 1);
            named.add(new ToolCall("call_" + number, each.name(), each.arguments()));
        }
        return named;
    }

    // ---- in one piece

    void whole() throws IOException, InterruptedException {
        if (reply.fault == Fault.ERROR) {
            GatewayRefusal.serverError().play(exchange);
            return;
        }
        Bill bill = bill(completion());
        state.settle(call, id, bill);
        String model = reply.fallback == null ? call.model() : "ok";
        String text = String.join("", reply.text);
        String body = json(model).whole(text, String.join("", reply.reasoning), calls, finish, bill);
        List<String> headers = withOwn(state.plainHeaders(call, bill, body.length(), reply.fallback));
        if (reply.fault == Fault.MALFORMED) {
            exchange.send(new Whole(200, List.of(), half(body), headers));
            return;
        }
        String head = exchange.wholeHead(new Whole(200, List.of(), body, headers));
        if (reply.fault == Fault.CUT || reply.fault == Fault.RESET || reply.fault == Fault.STALL) {
            write(head + half(body));
            breakOff();
            return;
        }
        write(head + body);
    }

    private static String half(String body) {
        return body.substring(0, body.length() / 2);
    }

    // ---- as a stream

    void stream() throws IOException, InterruptedException {
        boolean restarted = reply.fault == Fault.FALLBACK;
        String group = restarted ? null : reply.fallback;
        List<String> headers = withOwn(state.streamHeaders(call, group, restarted));
        if (reply.fault == Fault.ERROR && reply.faultAfter == 0) {
            exchange.send(new Whole(500, headers, ChatJson.failedAtOnce(), List.of()));
            return;
        }
        exchange.raw(exchange.streamHead(headers));
        String answering = restarted ? call.model() : Objects.requireNonNullElse(reply.fallback, call.model());
        ChatJson json = json(answering);
        List<String> pieces = pieces(json);
        int said = reply.fault == Fault.NONE ? pieces.size() : Math.min(reply.faultAfter, pieces.size());
        event(json.role());
        say(pieces.subList(0, said));
        Bill bill = bill(completion());
        switch (reply.fault) {
            case CUT, RESET, STALL -> {
                state.settle(call, id, bill);
                breakOff();
            }
            case ERROR -> {
                event(ChatJson.brokenOff());
                exchange.end();
            }
            case MALFORMED -> {
                event(half(json.text("…")));
                say(pieces.subList(said, pieces.size()));
                end(json, bill);
            }
            case STOP -> end(json, bill(reply.completionTokens < 0 ? Math.max(1, said) : reply.completionTokens));
            case FALLBACK -> {
                ChatJson other =
                        new ChatJson(state.responseId(), json.created(), Objects.requireNonNull(reply.fallback));
                event(other.role());
                say(pieces(other));
                end(other, bill);
            }
            case NONE -> end(json, bill);
        }
    }

    private List<String> pieces(ChatJson json) {
        List<String> pieces = new ArrayList<>();
        for (String word : reply.reasoning) {
            pieces.add(json.reasoning(word));
        }
        for (String piece : reply.text) {
            pieces.add(json.text(piece));
        }
        pieces.addAll(json.calls(calls));
        return pieces;
    }

    private void say(List<String> pieces) throws IOException, InterruptedException {
        for (String piece : pieces) {
            exchange.pause(reply.pieceEvery);
            event(piece);
        }
    }

    /** Who has seen the mark finds the reply settled. */
    private void end(ChatJson json, Bill bill) throws IOException, InterruptedException {
        event(json.finish(reply.fault == Fault.STOP ? "stop" : finish));
        state.settle(call, json.id(), bill);
        if (call.usage()) {
            event(json.usage(bill, !calls.isEmpty(), reply.fault == Fault.FALLBACK));
        }
        if (reply.mark) {
            event("[DONE]");
        }
        exchange.end();
    }

    private void event(String data) throws IOException, InterruptedException {
        String text = (reply.comments ? ": still here\n\n" : "") + "data: " + data + "\n\n";
        write(Exchange.chunked(reply.crlf ? text.replace("\n", "\r\n") : text));
    }

    // ---- both

    private void breakOff() throws IOException, InterruptedException {
        switch (reply.fault) {
            case CUT -> exchange.cut();
            case RESET -> exchange.reset();
            default -> exchange.stall();
        }
    }

    private void write(String text) throws IOException, InterruptedException {
        Duration drip = reply.drip;
        if (drip == null) {
            exchange.raw(text);
        } else {
            exchange.drip(text, drip);
        }
    }

    private ChatJson json(String model) {
        return new ChatJson(id, state.now().getEpochSecond(), model);
    }

    private Bill bill(int completion) {
        int thoughts = reply.reasoning.size();
        int prompt = reply.promptTokens < 0 ? call.promptTokens() : reply.promptTokens;
        double cost = reply.cost == null ? state.price(prompt, completion) : reply.cost;
        return new Bill(prompt, completion, thoughts, cost);
    }

    private int completion() {
        int counted = words(reply.text) + reply.reasoning.size() + 8 * calls.size();
        return reply.completionTokens < 0 ? Math.max(1, counted) : reply.completionTokens;
    }

    private static int words(List<String> texts) {
        String text = String.join("", texts);
        return text.isBlank() ? 0 : text.strip().split("\\s+", -1).length;
    }

    private List<String> withOwn(List<String> headers) {
        List<String> all = new ArrayList<>(headers);
        for (String own : reply.headers) {
            String name = own.substring(0, own.indexOf(':') + 1);
            all.removeIf(header -> header.regionMatches(true, 0, name, 0, name.length()));
            all.add(own);
        }
        return all;
    }
}
