package dev.jacquard.cli;

import dev.jacquard.train.ResolvedConfig;
import java.util.List;

/** What {@code train --dry-run} prints. */
final class DryRun {
    private DryRun() {}

    static String text(ResolvedConfig resolved, List<Double> lrAt) {
        return resolved.recipe() + "\n";
    }
}
