package dev.perdure.testkit.internal.gateway;

/** A call that a reply makes: the provider's id, the tool, its arguments as text. */
public record ToolCall(String id, String name, String arguments) {}
