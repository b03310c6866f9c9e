/** Tools of MCP servers that a gateway stands before. */
@NullMarked
package dev.perdure.litellm.internal.mcp;

import org.jspecify.annotations.NullMarked;
