package dev.perdure.testkit;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.perdure.LocalSandbox;
import dev.perdure.LocalSandbox.Isolation;
import dev.perdure.spi.SandboxProvider;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** The contract of sandboxes, on this machine. */
class LocalSandboxTest {
    @TempDir
    static Path folder;

    @Nested
    class WithoutBubblewrap extends SandboxContract {
        @Override
        protected SandboxProvider provider() {
            return LocalSandbox.inFolder(folder.resolve("plain")).isolation(Isolation.NONE);
        }
    }

    @Nested
    class UnderBubblewrap extends SandboxContract {
        @BeforeAll
        static void bubblewrapWorks() {
            assumeTrue(LocalSandboxes.bubblewrapWorks(), "bubblewrap is not installed or may not make namespaces here");
        }

        @Override
        protected SandboxProvider provider() {
            return LocalSandbox.inFolder(folder.resolve("isolated")).isolation(Isolation.REQUIRED);
        }
    }
}
