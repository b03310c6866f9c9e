package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** An example in a JVM of its own, as a user starts it. */
final class Program implements AutoCloseable {
    private static final int SECONDS = 120;

    private final Process process;
    /**
     * What makes a child hear Ctrl-C although these tests were started in the background, where a shell lets all its children ignore it; empty where
     * there is no such tool.
     */
    private static final List<String> ATTENTIVE = attentive();

    private final Heard out;
    private final Heard err;

    private static List<String> attentive() {
        List<String> prefix = List.of("env", "--default-signal=INT");
        try {
            List<String> trial = new ArrayList<>(prefix);
            trial.add("true");
            return new ProcessBuilder(trial).start().waitFor() == 0 ? prefix : List.of();
        } catch (IOException e) {
            return List.of();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private Program(Process process) {
        this.process = process;
        this.out = new Heard(process.getInputStream());
        this.err = new Heard(process.getErrorStream());
    }

    /** What a program left behind. */
    record Ended(int status, String out, String err) {
        List<String> lines() {
            return out.lines().toList();
        }

        String lastLine() {
            return lines().get(lines().size() - 1);
        }
    }

    /** Collects the settings of a start. */
    static final class Start {
        private final Class<?> main;
        private final List<String> options = new ArrayList<>(List.of("--enable-native-access=ALL-UNNAMED"));
        private Map<String, String> environment = Map.of();

        Start(Class<?> main) {
            this.main = main;
        }

        /** Where the program makes its temporary files. */
        Start temporary(Path folder) {
            return option("-Djava.io.tmpdir=" + folder);
        }

        Start option(String option) {
            options.add(option);
            return this;
        }

        Start environment(Map<String, String> values) {
            environment = values;
            return this;
        }

        Program with(String... arguments) throws IOException {
            List<String> command = new ArrayList<>(ATTENTIVE);
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(options);
            command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
            command.addAll(List.of(arguments));
            ProcessBuilder builder = new ProcessBuilder(command);
            builder.environment().keySet().removeIf(name -> name.startsWith("LITELLM_") || name.startsWith("PERDURE_"));
            builder.environment().putAll(environment);
            return new Program(builder.start());
        }
    }

    static Start of(Class<?> main) {
        return new Start(main);
    }

    Program type(String text) throws IOException {
        OutputStream in = process.getOutputStream();
        in.write(text.getBytes(StandardCharsets.UTF_8));
        in.flush();
        return this;
    }

    /** Waits until standard output has {@code text}. */
    Program awaitText(String text) throws InterruptedException {
        out.await(text);
        return this;
    }

    void signal(String name) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                        .start()
                        .waitFor())
                .isZero();
    }

    /** Ends its input and waits for its end. */
    Ended end() throws IOException, InterruptedException {
        process.getOutputStream().close();
        return awaitEnd();
    }

    Ended awaitEnd() throws InterruptedException {
        assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS))
                .as("ended within %s s; it wrote %s%s", SECONDS, out, err)
                .isTrue();
        return new Ended(process.exitValue(), out.all(), err.all());
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    /** What comes out of a stream, read as it comes. */
    private static final class Heard {
        private final StringBuilder text = new StringBuilder();
        private final Thread reader;
        private boolean ended;

        Heard(InputStream in) {
            reader = new Thread(() -> read(in), "heard");
            reader.setDaemon(true);
            reader.start();
        }

        private void read(InputStream in) {
            byte[] buffer = new byte[8192];
            try (in) {
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    add(new String(buffer, 0, n, StandardCharsets.UTF_8));
                }
            } catch (IOException e) {
                add("[" + e + "]");
            }
            synchronized (text) {
                ended = true;
                text.notifyAll();
            }
        }

        private void add(String more) {
            synchronized (text) {
                text.append(more);
                text.notifyAll();
            }
        }

        void await(String wanted) throws InterruptedException {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
            synchronized (text) {
                while (text.indexOf(wanted) < 0 && !ended && System.nanoTime() < deadline) {
                    text.wait(1_000);
                }
                assertThat(text.toString()).contains(wanted);
            }
        }

        String all() throws InterruptedException {
            reader.join(TimeUnit.SECONDS.toMillis(SECONDS));
            return toString();
        }

        @Override
        public String toString() {
            synchronized (text) {
                return text.toString();
            }
        }
    }
}
