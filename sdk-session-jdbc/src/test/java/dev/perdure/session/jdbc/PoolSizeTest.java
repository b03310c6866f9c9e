package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.StoreException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How many connections a data source must give, and what is said when it does not. */
@Timeout(120)
class PoolSizeTest {
    private final Postgres postgres = Postgres.empty();

    @AfterEach
    void drop() {
        postgres.close();
    }

    @Test
    void poolOfOneConnection_isRefusedAtOpen_withHowManyAreNeeded() {
        try (HikariDataSource one = postgres.pool(1)) {
            assertThatThrownBy(() -> JdbcSessionStore.of(one))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContainingAll(
                            one.getPoolName(),
                            "gives 1 connection; sessions need at least 2",
                            "and 3 with notifications",
                            "maximumPoolSize")
                    .matches(e -> !((StoreException) e).retryable());
        }
    }

    @Test
    void poolOfTwoConnections_isEnoughWithoutNotifications_andRefusedWithThem() {
        try (HikariDataSource two = postgres.pool(2)) {
            JdbcSessionStore.of(two).close();
            assertThatThrownBy(() ->
                            JdbcSessionStore.of(two, JdbcOptions.standard().notifications()))
                    .hasMessageContaining("gives 2 connections; sessions need at least 2");
        }
    }

    @Test
    void otherDataSourceThatGivesOneConnectionAtATime_isRefusedAtOpen_whetherItFailsOrWaitsWithoutEnd()
            throws InterruptedException {
        for (boolean waits : List.of(false, true)) {
            Semaphore free = new Semaphore(1);
            assertThatThrownBy(() -> JdbcSessionStore.of(
                            limited(free, waits), JdbcOptions.standard().busyTimeout(Duration.ofMillis(500))))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("gives 1 connection at a time")
                    .hasMessageContaining("sessions need at least 2");
            assertThat(free.tryAcquire(30, TimeUnit.SECONDS)).as("given back").isTrue();
        }
    }

    @Test
    void otherDataSourceWithEnoughConnections_isTaken_andAllAreGivenBackButTheOneForLeases() {
        Semaphore free = new Semaphore(3);
        try (SessionStore store = JdbcSessionStore.of(limited(free, false))) {
            opened(store, ID);
            assertThat(free.availablePermits()).isEqualTo(2);
        }
    }

    @Test
    void everyConnectionInUse_isSaidWithThePoolAndItsSize() throws SQLException {
        try (HikariDataSource three = postgres.pool(3);
                SessionStore store =
                        JdbcSessionStore.of(three, JdbcOptions.standard().busyTimeout(Duration.ofMillis(300)))) {
            List<Connection> taken = new ArrayList<>();
            while (three.getHikariPoolMXBean().getActiveConnections() < 3) {
                taken.add(three.getConnection());
            }
            assertThatThrownBy(() -> store.find(ID))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContainingAll("all 3 of the pool " + three.getPoolName(), "maximumPoolSize")
                    .matches(e -> ((StoreException) e).retryable());
            for (Connection connection : taken) {
                connection.close();
            }
        }
    }

    @Test
    void serverThatIsDown_isSaidWithTheReason_notCalledBusy() throws Exception {
        TcpProxy proxy = new TcpProxy(Postgres.port());
        try (HikariDataSource pool = postgres.through(proxy, 3);
                SessionStore store =
                        JdbcSessionStore.of(pool, JdbcOptions.standard().busyTimeout(Duration.ofSeconds(1)))) {
            opened(store, ID);
            dev.perdure.spi.Lease lease = SqliteStore.held(store, ID, dev.perdure.session.WorkerId.random());
            proxy.close();

            assertDown(() -> store.find(ID));
            assertDown(() -> store.renew(List.of(lease), Duration.ofSeconds(15)));
        }
    }

    /** The first call may meet a connection in the middle. */
    private static void assertDown(Runnable call) {
        Eventually.await("the reason is known", () -> {
            try {
                call.run();
                return false;
            } catch (StoreException e) {
                assertThat(e.retryable()).isTrue();
                assertThat(e.getMessage()).doesNotContain("busy longer");
                return e.getMessage().contains("cannot be reached: ")
                        && e.getMessage().contains("refused");
            }
        });
    }

    /** As a pool of another maker. */
    private DataSource limited(Semaphore free, boolean waits) {
        return proxy(DataSource.class, postgres.pool(), (method, source) -> {
            if (method.equals("isWrapperFor")) {
                return false;
            } else if (!method.equals("getConnection")) {
                return null;
            }
            if (!waits && !free.tryAcquire()) {
                throw new SQLTransientConnectionException("none is free");
            } else if (waits) {
                free.acquire();
            }
            Connection connection = postgres.pool().getConnection();
            return proxy(Connection.class, connection, (name, target) -> {
                if (name.equals("close") && !connection.isClosed()) {
                    free.release();
                }
                return null;
            });
        });
    }

    private interface Before<T> {
        Object answer(String method, T target) throws Exception;
    }

    private static <T> T proxy(Class<T> type, T target, Before<T> before) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    Object answer = before.answer(method.getName(), target);
                    try {
                        return answer == null ? method.invoke(target, arguments) : answer;
                    } catch (InvocationTargetException e) {
                        throw e.getTargetException();
                    }
                }));
    }
}
