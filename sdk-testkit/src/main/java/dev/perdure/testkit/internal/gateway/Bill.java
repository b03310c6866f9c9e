package dev.perdure.testkit.internal.gateway;

/** What one reply used, and what that costs in US dollars. Tokens of reasoning are part of the completion's. */
public record Bill(int prompt, int completion, int reasoning, double cost) {
    public int total() {
        return prompt + completion;
    }
}
