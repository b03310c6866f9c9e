package dev.perdure.internal.engine;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Threads of a runtime: virtual where the JVM has them, daemons else. */
final class Threads {
    private static final @Nullable MethodHandle VIRTUAL = virtual();

    private Threads() {}

    private static @Nullable MethodHandle virtual() {
        try {
            return MethodHandles.publicLookup()
                    .findStatic(
                            Executors.class,
                            "newVirtualThreadPerTaskExecutor",
                            MethodType.methodType(ExecutorService.class));
        } catch (NoSuchMethodException | IllegalAccessException e) {
            return null;
        }
    }

    static ExecutorService perTask(String name) {
        MethodHandle virtual = VIRTUAL;
        if (virtual != null) {
            try {
                return (ExecutorService) virtual.invoke();
            } catch (Throwable e) {
                throw new IllegalStateException("no virtual threads", e);
            }
        }
        return Executors.newCachedThreadPool(daemons(name));
    }

    static ScheduledThreadPoolExecutor timers(String name) {
        ScheduledThreadPoolExecutor timers = new ScheduledThreadPoolExecutor(1, daemons(name));
        timers.setRemoveOnCancelPolicy(true);
        return timers;
    }

    static ThreadFactory daemons(String name) {
        AtomicInteger count = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, name + "-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }
}
