package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every recording is a test: some test of this module names it, as the first column of its {@link CsvSource}, in its {@link
 * ValueSource}, or by {@link Recorded}.
 */
class AllRecordingsTest {
    @Test
    void everyRecording_isNamedByATest() throws Exception {
        Set<String> named = new TreeSet<>();
        for (Class<?> test : testClasses()) {
            for (Method method : test.getDeclaredMethods()) {
                named.addAll(namesOf(method));
            }
        }
        Set<String> unnamed = recordings();
        assertThat(unnamed).hasSizeGreaterThan(100);
        unnamed.removeAll(named);
        // DatabaseRecordedTest has a test for each of these, and fails for one without.
        unnamed.removeIf(name -> name.startsWith("db-"));

        assertThat(unnamed).as("recordings that no test names").isEmpty();
    }

    private static Set<String> namesOf(Method method) {
        List<String> names = new ArrayList<>();
        Recorded recorded = method.getAnnotation(Recorded.class);
        if (recorded != null && method.isAnnotationPresent(Test.class)) {
            names.addAll(Arrays.asList(recorded.value()));
        }
        ValueSource values = method.getAnnotation(ValueSource.class);
        if (values != null) {
            names.addAll(Arrays.asList(values.strings()));
        }
        CsvSource table = method.getAnnotation(CsvSource.class);
        if (table != null) {
            String delimiter = table.delimiter() == '\0' ? "," : String.valueOf(table.delimiter());
            Stream.concat(table.textBlock().lines(), Arrays.stream(table.value()))
                    .map(row -> row.split(java.util.regex.Pattern.quote(delimiter), 2)[0].trim())
                    .forEach(names::add);
        }
        return Set.copyOf(names);
    }

    private static Set<String> recordings() throws IOException, URISyntaxException {
        try (Stream<Path> files = Files.list(folder("/recorded"))) {
            return new TreeSet<>(files.map(file -> file.getFileName().toString())
                    .map(name -> name.replaceFirst("\\.http$", ""))
                    .toList());
        }
    }

    private static List<Class<?>> testClasses() throws IOException, URISyntaxException {
        Path root = folder("/");
        try (Stream<Path> files = Files.walk(root)) {
            return files.map(file -> root.relativize(file).toString())
                    .filter(name -> name.endsWith("Test.class"))
                    .<Class<?>>map(AllRecordingsTest::load)
                    .toList();
        }
    }

    private static Class<?> load(String file) {
        try {
            String name = file.replaceFirst("\\.class$", "").replace('/', '.').replace('\\', '.');
            return Class.forName(name, false, AllRecordingsTest.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new UncheckedIOException(new IOException(e));
        }
    }

    private static Path folder(String name) throws URISyntaxException {
        URL place = Objects.requireNonNull(AllRecordingsTest.class.getResource(name), name);
        return Path.of(place.toURI());
    }
}
