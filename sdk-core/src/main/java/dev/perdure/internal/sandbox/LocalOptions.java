package dev.perdure.internal.sandbox;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What commands of a local sandbox may see and reach.
 *
 * @param isolated whether commands run under bubblewrap
 * @param network whether they share the machine's network; without isolation they always do
 * @param readable more folders that isolated commands see, read-only
 * @param seed is copied into the workspace of a new sandbox
 */
public record LocalOptions(
        boolean isolated,
        boolean network,
        List<Path> readable,
        @Nullable Path seed) {}
