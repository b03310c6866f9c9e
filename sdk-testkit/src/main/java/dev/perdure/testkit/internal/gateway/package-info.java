/** How {@link dev.perdure.testkit.FakeGateway} imitates LiteLLM. Not for use outside of the testkit. */
@NullMarked
package dev.perdure.testkit.internal.gateway;

import org.jspecify.annotations.NullMarked;
