package dev.perdure.session.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;

/** With each SQLSTATE that a trigger may choose, the server's own among them. */
class NoContentInFaultsPostgresTest extends NoContentInServerFaultsContract {
    private final Postgres postgres = Postgres.empty();
    private final String role = "worker_of_" + postgres.schema();
    private HikariDataSource pool;

    @Override
    JdbcSessionStore open() {
        JdbcSessionStore.of(postgres.pool()).close();
        postgres.sql(
                "CREATE ROLE " + role,
                "GRANT USAGE ON SCHEMA " + postgres.schema() + " TO " + role,
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + postgres.schema() + " TO " + role);
        pool = postgres.pool(Map.of("options", "-c role=" + role));
        return JdbcSessionStore.of(pool, JdbcOptions.standard().busyTimeout(BUSY));
    }

    @Override
    Connection connection() throws SQLException {
        return pool.getConnection();
    }

    @Override
    void sql(String... statements) {
        postgres.sql(statements);
    }

    @Override
    void refuseWrites(String table, String column) {
        postgres.sql(
                "CREATE SEQUENCE times",
                "GRANT USAGE ON SEQUENCE times TO " + role,
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                        + " RAISE EXCEPTION USING MESSAGE = 'no % ' || NEW." + column + ", DETAIL = NEW." + column
                        + ", HINT = NEW." + column + ", ERRCODE = ("
                        + "ARRAY['P0001', '42501', '42P01', '08006', '57014', '53100', '23514', '22021', '40001'])"
                        + "[1 + nextval('times') % 8]; END $$",
                "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON " + table
                        + " FOR EACH ROW EXECUTE FUNCTION refuse()");
    }

    @Override
    void refuseRows(String table) {
        postgres.sql("ALTER TABLE " + table + " ADD CONSTRAINT never CHECK (false) NOT VALID");
    }

    @Override
    void revokeInserts(String table) {
        postgres.sql("REVOKE INSERT ON " + table + " FROM " + role);
    }

    @AfterEach
    void drop() {
        pool.close();
        postgres.sql("DROP OWNED BY " + role, "DROP ROLE " + role);
        postgres.close();
    }
}
