package dev.perdure.internal.sandbox;

import dev.perdure.sandbox.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Writes all that a runner needs into the folder of an execution: {@code runner}, {@code sweep}, {@code settings} for the runner,
 * {@code command} for the shell inside, {@code input}, and {@link Facts} for Java.
 */
final class Launch {
    private static final Pattern VARIABLE = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
    private static final String RUNNER = Commands.script("runner.sh");
    private static final String SWEEP = Commands.script("sweep.sh");

    private final Home home;
    private final LocalOptions options;
    private final Command command;

    Launch(Home home, LocalOptions options, Command command) {
        this.home = home;
        this.options = options;
        this.command = command;
        command.environment().keySet().forEach(Launch::requireVariable);
        WorkspacePath.of(command.folder());
        Quoted.words(command.words());
    }

    private static void requireVariable(String name) {
        if (!VARIABLE.matcher(name).matches()) {
            throw new IllegalArgumentException("not the name of an environment variable: \"" + name + "\"");
        }
    }

    /**
     * @param folder to write to
     * @param later what the folder will be called when the runner reads it
     */
    void writeTo(Path folder, Path later) throws IOException {
        String mark = "[" + UUID.randomUUID() + "]";
        String cookie = "PERDURE_EXECUTION=" + home.mark() + "/" + later.getFileName();
        Files.createDirectory(folder);
        Files.writeString(folder.resolve("runner"), RUNNER);
        Files.writeString(folder.resolve("sweep"), SWEEP);
        Files.writeString(folder.resolve("settings"), settings(later, mark, cookie));
        Files.writeString(folder.resolve("command"), script(cookie));
        Files.write(folder.resolve("input"), command.input());
        new Facts(command.id(), command.outputLimit(), mark, cookie, Birth.here()).writeTo(folder);
    }

    private String settings(Path folder, String mark, String cookie) {
        // Room for the limit and the mark, in blocks of 512 bytes (some shells count 1024: then it is twice as much).
        long blocks = (command.outputLimit() + (long) mark.length()) / 512 + 1;
        String timeout = String.format(Locale.ROOT, "%.3f", command.timeout().toMillis() / 1000.0);
        return "timeout=" + timeout + " blocks=" + blocks + " mark=" + Quoted.word(mark) + " cookie="
                + Quoted.word(cookie) + "\nlaunch() { exec " + Quoted.words(Detached.words(inner(folder)))
                + (options.isolated() ? " 5>status" : "") + "; }\n";
    }

    private List<String> inner(Path folder) {
        return options.isolated()
                ? Bubblewrap.around(home, folder.resolve("command"), options)
                : List.of("sh", folder.resolve("command").toString());
    }

    private String script(String cookie) {
        StringBuilder lines = new StringBuilder("umask 022\n");
        environment()
                .forEach((name, value) -> lines.append("export ")
                        .append(name)
                        .append('=')
                        .append(Quoted.word(value))
                        .append('\n'));
        lines.append("export ").append(cookie).append('\n');
        lines.append("cd -- ").append(Quoted.word(workingFolder())).append(" || exit 126\n");
        return lines.append("exec ")
                .append(Quoted.words(command.words()))
                .append('\n')
                .toString();
    }

    private String workspace() {
        return options.isolated() ? Bubblewrap.WORKSPACE : home.workspace().toString();
    }

    private String workingFolder() {
        return workspace() + "/" + WorkspacePath.of(command.folder());
    }

    private Map<String, String> environment() {
        Map<String, String> environment = new LinkedHashMap<>();
        environment.put("PATH", Commands.PATH);
        environment.put("HOME", workspace());
        environment.put("LANG", "C.UTF-8");
        environment.put("TMPDIR", options.isolated() ? "/tmp" : home.tmp().toString());
        environment.putAll(command.environment());
        return environment;
    }
}
