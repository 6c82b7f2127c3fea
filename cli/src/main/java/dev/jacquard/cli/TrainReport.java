package dev.jacquard.cli;

import dev.jacquard.train.Ending;
import dev.jacquard.train.Evaluation;
import dev.jacquard.train.Outcome;
import dev.jacquard.train.RunFolder;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.util.Locale;

/** What {@code train} says at its end. */
final class TrainReport {
    private TrainReport() {}

    /** Says how a run ended. @return the exit code: a part that ended where it was told to has done its work */
    static int print(PrintWriter text, RunFolder run, Outcome o) {
        if (o.ended() == Ending.STOPPED) {
            text.printf(Locale.ROOT, "stopped after step %d; %s%n", o.steps(),
                    Files.exists(run.last()) ? "checkpoint saved. Continue with: ./jacquard train --resume --out " + run.path() : "nothing saved, as --no-checkpoints says");
            return Main.INTERRUPTED;
        }
        text.printf(Locale.ROOT, "%s: %s after %d epochs and %d steps; %.0f images/s%n", o.complete() ? "done" : "ended", o.ended(), o.epochs(), o.steps(), o.images_per_second());
        if (o.last() != null) {
            text.printf(Locale.ROOT, "last     %s%n", evaluation(o.last()));
        }
        if (o.last_ema() != null) {
            text.printf(Locale.ROOT, "averaged %s%n", evaluation(o.last_ema()));
        }
        if (o.best_top1() != null) {
            text.printf(Locale.ROOT, "best     top-1 %.2f %%%s%n", o.best_top1(), o.best_ema_top1() == null ? ""
                    : String.format(Locale.ROOT, "; averaged weights at most %.2f %%", o.best_ema_top1()));
        }
        if (o.skipped_images() > 0) {
            text.printf(Locale.ROOT, "%d images could not be decoded and were skipped%n", o.skipped_images());
        }
        if (!o.complete() && Files.exists(run.last())) { // without checkpoints there is nothing to go on from
            text.printf(Locale.ROOT, "continue ./jacquard train --resume --out %s%n", run.path());
        }
        if (o.best_weights() != null) {
            text.printf(Locale.ROOT, "weights  %s%n", run.path().resolve(o.best_weights()));
        } else if (Files.exists(run.last())) {
            text.printf(Locale.ROOT, "weights  %s%n", run.last());
        }
        text.printf(Locale.ROOT, "curves   %s%n", run.curves());
        return Main.DONE;
    }

    private static String evaluation(Evaluation e) {
        return String.format(Locale.ROOT, "top-1 %.2f %%, top-5 %.2f %%, loss %.4f", e.top1(), e.top5(), e.loss());
    }
}
