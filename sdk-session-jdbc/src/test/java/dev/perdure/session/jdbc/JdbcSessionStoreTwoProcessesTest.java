package dev.perdure.session.jdbc;

import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.SessionStoreContract;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.io.TempDir;

/** The whole contract with two stores open on one file, each call by the other one than the call before. */
class JdbcSessionStoreTwoProcessesTest extends SessionStoreContract {
    @TempDir
    Path folder;

    @Override
    protected SessionStore open(InstantSource clock) {
        SqliteOptions options = SqliteOptions.standard().clock(clock);
        SessionStore[] stores = {
            JdbcSessionStore.sqlite(folder.resolve("s.db"), options),
            JdbcSessionStore.sqlite(folder.resolve("s.db"), options)
        };
        AtomicInteger calls = new AtomicInteger();
        return (SessionStore) Proxy.newProxyInstance(
                SessionStore.class.getClassLoader(),
                new Class<?>[] {SessionStore.class},
                (proxy, method, arguments) -> {
                    if (method.getName().equals("close")) {
                        stores[0].close();
                        stores[1].close();
                        return null;
                    }
                    try {
                        return method.invoke(stores[calls.getAndIncrement() % 2], arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
