package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Holds what a document shows against code that compiles and runs. */
final class Recipes {
    private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    private Recipes() {}

    /** Each piece of Java of the document is in the source of {@code test}, but for white space. */
    static void requireAll(String document, Class<?> test, int count) throws IOException {
        Path root = Path.of("").toAbsolutePath().getParent();
        String source = Files.readString(
                root.resolve("examples/src/test/java/" + test.getName().replace('.', '/') + ".java"));
        Matcher recipes = JAVA.matcher(Files.readString(root.resolve(document)));
        int found = 0;
        for (; recipes.find(); found++) {
            assertThat(source.replaceAll("\\s", "")).contains(recipes.group(1).replaceAll("\\s", ""));
        }
        assertThat(found).isEqualTo(count);
    }
}
