/**
 * What a session is made of: ids, events, views of the log, questions and answers, and {@link dev.perdure.session.Json}.
 *
 * <p>Start with {@link dev.perdure.session.Event} and {@link dev.perdure.session.SessionView}. Stable but for additions.
 */
@NullMarked
package dev.perdure.session;

import org.jspecify.annotations.NullMarked;
