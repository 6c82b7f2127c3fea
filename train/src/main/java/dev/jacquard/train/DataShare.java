package dev.jacquard.train;

import dev.jacquard.data.ImageDecoder;
import dev.jacquard.data.StageTimes.Stage;
import java.util.Locale;

/**
 * What the pictures cost a training, between two lines of its log.
 *
 * @param waited share of the time in which a step could have been computed if its pictures had been there, 0 to 1
 * @param slowest the stage in which the loader's threads spent most of their time; null if they did nothing
 * @param imagesPerSecond what one processor that does nothing else gets through that stage; 0 if they did nothing
 * @param threads of the loader
 */
public record DataShare(double waited, Stage slowest, double imagesPerSecond, int threads) {
    /** From here on it is worth saying. */
    static final double MUCH = 0.05;

    /** Whether the pictures hold the training up so much that one should do something about it. */
    boolean much() {
        return waited > MUCH && slowest != null;
    }

    /** {@code 23 % of the time waiting for data: decode, 310 images/s per core, 1 loader thread}. */
    public String text() {
        String share = String.format(Locale.ROOT, "%.0f %% of the time waiting for data", 100 * waited);
        return slowest == null ? share : String.format(Locale.ROOT, "%s: %s, %.0f images/s per core, %d loader thread%s", share, slowest.text(), imagesPerSecond, threads,
                threads == 1 ? "" : "s");
    }

    /** What helps, the simplest first. @param processors of this machine */
    public String advice(int processors) {
        String more = threads < processors ? "raise --loader-threads (" + threads + " of " + processors + " processors), " : "";
        if (slowest == null) {
            return "";
        }
        return switch (slowest) {
            case READ -> "put the images on a faster disk, or into tars and read those in sequence with --shuffle-buffer"
                    + (more.isEmpty() ? "" : ", or " + more.substring(0, more.length() - 2));
            case DECODE -> more + "store smaller images (a shorter side of twice --image-size will do), "
                    + (ImageDecoder.codec().equals("java") ? "install libjpeg-turbo (doctor says what is missing)" : "try --decode reduced");
            case RESIZE -> more + "store smaller images, or take a cheaper --interpolation";
            case AUGMENT -> more + "take a cheaper --augmentation";
            case WRITE, ROOM -> more + "lower --batch";
        };
    }
}
