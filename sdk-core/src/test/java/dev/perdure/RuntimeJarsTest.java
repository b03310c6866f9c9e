package dev.perdure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RuntimeJarsTest {
    private static final int MOST_JARS = 12;

    /** The file is written by the build ({@code runtime-jars} in pom.xml), so this test needs a run of Maven before it. */
    @Test
    void perdureCoreAndAllItNeeds_areAtMostTwelveJars() throws IOException {
        List<String> jars = new ArrayList<>(List.of("perdure-core.jar"));
        for (String path : Files.readString(Path.of("target", "runtime-classpath.txt"))
                .strip()
                .split(File.pathSeparator, -1)) {
            jars.add(Path.of(path).getFileName().toString());
        }

        assertThat(jars).anyMatch(jar -> jar.startsWith("jackson-databind-")).hasSizeLessThanOrEqualTo(MOST_JARS);
    }
}
