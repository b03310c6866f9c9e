package dev.perdure.examples.terminal;

import java.io.PrintStream;

/**
 * Standard output with colours where somebody sees them. {@code examples/run} says with {@code -Dperdure.terminal=true} that it is a terminal, because Java
 * 17 and Java 22 answer that question differently. Thread-safe; a line is printed whole.
 */
public final class Screen {
    private static final int WIDTH = Math.max(40, Math.min(100, Integer.getInteger("perdure.columns", 100)));
    private static final String TERMINAL = "perdure.terminal";

    /** How a piece of text looks. */
    public enum Style {
        PLAIN(""),
        BOLD("\033[1m"),
        DIM("\033[2m"),
        RED("\033[1;31m"),
        GREEN("\033[32m"),
        CYAN("\033[36m"),
        YELLOW("\033[33m");

        private final String code;

        Style(String code) {
            this.code = code;
        }
    }

    private final PrintStream out;
    private final boolean colours;
    private boolean midLine;

    private Screen(PrintStream out, boolean colours) {
        this.out = out;
        this.colours = colours;
    }

    public static Screen standard() {
        String never = System.getenv("NO_COLOR");
        return new Screen(System.out, isTerminal() && (never == null || never.isEmpty()));
    }

    /** Standard error, plain. */
    public static Screen errors() {
        return new Screen(System.err, false);
    }

    /** Whether somebody watches. */
    public static boolean isTerminal() {
        return Boolean.getBoolean(TERMINAL);
    }

    /** Options that make a child process print as this one does. */
    public static String[] inherited() {
        return new String[] {"-D" + TERMINAL + "=" + isTerminal(), "-Dperdure.columns=" + WIDTH};
    }

    public void line(String text) {
        line(Style.PLAIN, text);
    }

    /** One line, cut to the width of the screen. */
    public synchronized void line(Style style, String text) {
        freshLine();
        out.println(styled(style, fit(text, WIDTH)));
        out.flush();
    }

    /** One line as it is: for what must not be cut, such as a path. */
    public synchronized void whole(Style style, String text) {
        freshLine();
        out.println(styled(style, text));
        out.flush();
    }

    /** More text of a reply that comes in piece by piece. */
    public synchronized void more(String text) {
        out.print(text);
        out.flush();
        midLine = text.isEmpty() ? midLine : !text.endsWith("\n");
    }

    /** Asks for a line; what is typed follows on the same line, and ends it. */
    public synchronized void prompt(String text) {
        out.print(styled(Style.BOLD, text));
        out.flush();
    }

    /** Ends a line that {@link #more} left open. */
    public synchronized void freshLine() {
        if (midLine) {
            out.println();
            midLine = false;
        }
        out.flush();
    }

    /** On one line, at most {@code width} characters, control characters left out. */
    public static String fit(String text, int width) {
        String flat = text.replaceAll("\\p{Cntrl}+", " ").stripTrailing();
        return flat.length() <= width ? flat : flat.substring(0, width - 3) + "...";
    }

    private String styled(Style style, String text) {
        return colours && style != Style.PLAIN ? style.code + text + "\033[0m" : text;
    }
}
