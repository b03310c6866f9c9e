package dev.perdure.testkit;

import dev.perdure.LocalSandbox;
import dev.perdure.LocalSandbox.Isolation;
import dev.perdure.sandbox.SandboxException;
import java.nio.file.Path;

final class LocalSandboxes {
    private LocalSandboxes() {}

    static boolean bubblewrapWorks() {
        try {
            return !LocalSandbox.inFolder(Path.of("unused"))
                    .isolation(Isolation.REQUIRED)
                    .isolation()
                    .isEmpty();
        } catch (SandboxException e) {
            return false;
        }
    }
}
