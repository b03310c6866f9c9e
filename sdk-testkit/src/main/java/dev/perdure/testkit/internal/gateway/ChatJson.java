package dev.perdure.testkit.internal.gateway;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Bodies of chat completions, whole and in chunks, with their fields in the recorded order. */
public record ChatJson(String id, long created, String model) {
    private static final int FRAGMENT = 7;
    private static final String FAILED =
            "litellm.APIConnectionError: APIConnectionError: OpenAIException - The server had an error ";
    private static final String LONG_DETAILS =
            "\"completion_tokens_details\":{\"accepted_prediction_tokens\":0,\"audio_tokens\":0,\"reasoning_tokens\":0,"
                    + "\"rejected_prediction_tokens\":0,\"text_tokens\":0,\"image_tokens\":0,\"video_tokens\":0}";

    /** A completion in one piece. Its price is in a header. */
    public String whole(String text, String reasoning, List<ToolCall> calls, String finish, Bill bill) {
        return "{" + head("chat.completion") + ",\"choices\":[{\"finish_reason\":" + Written.quoted(finish)
                + ",\"index\":0,\"message\":"
                + message(text, reasoning, calls) + ",\"provider_specific_fields\":{}}],\"usage\":{" + tokens(bill)
                + (bill.reasoning() == 0 ? "" : "," + details(bill)) + "}}";
    }

    private static String message(String text, String reasoning, List<ToolCall> calls) {
        List<String> fields = new ArrayList<>();
        if (!text.isEmpty() || calls.isEmpty()) {
            fields.add("\"content\":" + Written.quoted(text));
        }
        fields.add("\"role\":\"assistant\"");
        if (!calls.isEmpty()) {
            fields.add(calls.stream().map(ChatJson::call).collect(Collectors.joining(",", "\"tool_calls\":[", "]")));
        }
        if (!reasoning.isEmpty()) {
            fields.add("\"reasoning_content\":" + Written.quoted(reasoning));
        }
        fields.add("\"provider_specific_fields\":{\"refusal\":null}");
        if (text.isEmpty() && !calls.isEmpty()) {
            fields.add("\"content\":null");
        }
        return "{" + String.join(",", fields) + "}";
    }

    private static String call(ToolCall call) {
        return "{\"function\":{\"arguments\":" + Written.quoted(call.arguments()) + ",\"name\":"
                + Written.quoted(call.name()) + "},\"id\":" + Written.quoted(call.id()) + ",\"type\":\"function\"}";
    }

    /** The first chunk, also of a fallback. */
    public String role() {
        return delta("{\"content\":\"\",\"role\":\"assistant\"}");
    }

    public String text(String text) {
        return delta("{\"content\":" + Written.quoted(text) + "}");
    }

    public String reasoning(String text) {
        return delta("{\"reasoning_content\":" + Written.quoted(text) + "}");
    }

    /** Names first, then the arguments of all calls in turn, a few characters each. */
    public List<String> calls(List<ToolCall> calls) {
        List<String> chunks = new ArrayList<>();
        List<List<String>> fragments = new ArrayList<>();
        for (int i = 0; i < calls.size(); i++) {
            ToolCall call = calls.get(i);
            chunks.add(delta("{\"tool_calls\":[{\"id\":" + Written.quoted(call.id())
                    + ",\"function\":{\"arguments\":\"\",\"name\":" + Written.quoted(call.name())
                    + "},\"type\":\"function\",\"index\":" + i + "}]}"));
            fragments.add(fragments(call.arguments()));
        }
        int longest = fragments.stream().mapToInt(List::size).max().orElse(0);
        for (int at = 0; at < longest; at++) {
            for (int i = 0; i < fragments.size(); i++) {
                if (at < fragments.get(i).size()) {
                    chunks.add(delta("{\"tool_calls\":[{\"function\":{\"arguments\":"
                            + Written.quoted(fragments.get(i).get(at)) + "},\"type\":\"function\",\"index\":" + i
                            + "}]}"));
                }
            }
        }
        return chunks;
    }

    private static List<String> fragments(String arguments) {
        List<String> fragments = new ArrayList<>();
        for (int from = 0; from < arguments.length(); ) {
            int to = Math.min(arguments.length(), from + FRAGMENT);
            if (to < arguments.length() && Character.isLowSurrogate(arguments.charAt(to))) {
                to--;
            }
            fragments.add(arguments.substring(from, to));
            from = to;
        }
        return fragments;
    }

    public String finish(String reason) {
        return chunk("{\"finish_reason\":" + Written.quoted(reason) + ",\"index\":0,\"delta\":{}}") + "}";
    }

    /** The last chunk, sent when it is asked for: the only place that tells what a stream costs. */
    public String usage(Bill bill, boolean calls, boolean restarted) {
        return chunk("{\"index\":0,\"delta\":{}}") + ",\"usage\":{" + tokens(bill)
                + (restarted ? "," + LONG_DETAILS : calls ? "" : "," + details(bill)) + ",\"cost\":"
                + Written.inChunk(bill.cost()) + "}}";
    }

    /** What a stream says when it fails after its first chunk. Nothing comes after it. */
    public static String brokenOff() {
        return "{\"error\": {\"message\": " + Written.quoted(FAILED + "while streaming.")
                + ", \"type\": null, \"param\": null, \"code\": \"500\"}}";
    }

    /** The body of a stream that fails before its first chunk. */
    public static String failedAtOnce() {
        return Refused.provider(500, FAILED + "at once.", null).body();
    }

    private String delta(String delta) {
        return chunk("{\"index\":0,\"delta\":" + delta + "}") + "}";
    }

    private String chunk(String choice) {
        return "{" + head("chat.completion.chunk") + ",\"choices\":[" + choice + "]";
    }

    private String head(String object) {
        return "\"id\":" + Written.quoted(id) + ",\"created\":" + created + ",\"model\":" + Written.quoted(model)
                + ",\"object\":\"" + object + "\",\"system_fingerprint\":\"fp_fake\"";
    }

    private static String tokens(Bill bill) {
        return "\"completion_tokens\":" + bill.completion() + ",\"prompt_tokens\":" + bill.prompt()
                + ",\"total_tokens\":" + bill.total();
    }

    private static String details(Bill bill) {
        return "\"completion_tokens_details\":{\"reasoning_tokens\":" + bill.reasoning() + "}";
    }
}
