/**
 * Sessions in a SQL database. Start with {@link dev.perdure.session.jdbc.JdbcSessionStore#sqlite(java.nio.file.Path)}.
 */
@NullMarked
package dev.perdure.session.jdbc;

import org.jspecify.annotations.NullMarked;
