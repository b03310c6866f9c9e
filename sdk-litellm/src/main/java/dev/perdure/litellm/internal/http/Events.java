package dev.perdure.litellm.internal.http;

import java.util.StringJoiner;

/** Reads an event stream that has come whole, where the last event is the answer: MCP sends what else it has to say before it. */
final class Events {
    private Events() {}

    /** The data of the last event that ends as an event does, by an empty line; the empty text when there is none. */
    static String last(String stream) {
        String last = "";
        StringJoiner data = new StringJoiner("\n");
        for (String line : stream.split("\r\n|\n|\r", -1)) {
            if (line.isEmpty()) {
                last = data.length() > 0 ? data.toString() : last;
                data = new StringJoiner("\n");
            } else if (line.startsWith("data:")) {
                data.add(line.substring(line.startsWith("data: ") ? 6 : 5));
            }
        }
        return last;
    }
}
