package dev.jacquard.train;

import com.google.gson.JsonParseException;
import dev.jacquard.tensor.DataException;
import java.nio.file.Path;

/**
 * How far a run is; {@code state.json} of a checkpoint. With the variables' values, and random numbers being a function of (seed, step), it is all that
 * continuing needs.
 *
 * @param step steps done
 * @param epoch the epoch that the next batch belongs to, from 0
 * @param batch the next batch within the epoch; after the last one, the epoch's evaluation is due
 * @param epochLoss sum of the losses of the epoch's steps so far, those left out that are not finite
 * @param leftOut steps of the epoch so far whose losses are left out: skipped ones, where the loss is scaled
 * @param bestTop1 percent, of the best epoch so far; negative before the first
 * @param bestEpoch the best epoch so far, from 1; 0 before the first
 * @param bestAveraged whether it was the averages that made it the best
 * @param bestAveragedTop1 percent, of the averages in their best epoch so far; negative before the first
 * @param bestCheckpoint name of the checkpoint of that epoch; null before the first
 * @param seconds of training so far
 * @param trainImages size of the training set, to notice another one
 * @param config what the numbers depend on
 */
record Progress(long step, int epoch, int batch, double epochLoss, int leftOut, double bestTop1, int bestEpoch, boolean bestAveraged, double bestAveragedTop1,
        String bestCheckpoint, double seconds, int trainImages, String config) {
    static final String FILE = "state.json";

    static Progress start(int trainImages, TrainConfig config) {
        return new Progress(0, 0, 0, 0, 0, -1, 0, false, -1, null, 0, trainImages, config.identity());
    }

    /** After more steps of the epoch. @param loss of the epoch so far @param more seconds that they took */
    Progress trained(long steps, int batches, RunningLoss loss, double more) {
        return new Progress(steps, epoch, batches, loss.epoch(), loss.leftOut(), bestTop1, bestEpoch, bestAveraged, bestAveragedTop1, bestCheckpoint, seconds + more,
                trainImages, config);
    }

    /** At the beginning of the next epoch. @param result of this one's evaluation; null if there was none @param better whether averages may make an epoch the best */
    Progress evaluated(Validation.Result result, boolean better) {
        if (result == null) {
            return new Progress(step, epoch + 1, 0, 0, 0, bestTop1, bestEpoch, bestAveraged, bestAveragedTop1, bestCheckpoint, seconds, trainImages, config);
        }
        double averagedTop1 = result.averaged() == null ? -1 : result.averaged().top1();
        boolean averaged = better && averagedTop1 > result.raw().top1();
        double top1 = averaged ? averagedTop1 : result.raw().top1();
        boolean best = top1 > bestTop1;
        return new Progress(step, epoch + 1, 0, 0, 0, best ? top1 : bestTop1, best ? epoch + 1 : bestEpoch, best ? averaged : bestAveraged,
                Math.max(bestAveragedTop1, averagedTop1), bestCheckpoint, seconds, trainImages, config);
    }

    Progress withBest(String checkpoint) {
        return new Progress(step, epoch, batch, epochLoss, leftOut, bestTop1, bestEpoch, bestAveraged, bestAveragedTop1, checkpoint, seconds, trainImages, config);
    }

    void write(Path folder) {
        Json.write(folder.resolve(FILE), Json.pretty(this));
    }

    static Progress read(Path folder) {
        Path file = folder.resolve(FILE);
        try {
            Progress p = Json.parse(Json.read(file), Progress.class);
            if (p == null || p.config == null || p.step < 0 || p.epoch < 0 || p.batch < 0) {
                throw new JsonParseException("incomplete");
            }
            return p;
        } catch (JsonParseException e) {
            throw new DataException(file.toString(), "not the state of a run", Json.oneLine(e), "what train writes", "remove this checkpoint to resume from the one before", e);
        }
    }
}
