package dev.jacquard.data;

import dev.jacquard.tensor.CallerException;

/**
 * A place in a loader's sequence of batches, for checkpoints.
 *
 * @param epoch from 0
 * @param batch from 0, within the epoch
 */
public record Position(int epoch, int batch) {
    /** The first batch of the first epoch. */
    public static final Position START = new Position(0, 0);

    /** Checks the signs. @throws CallerException if one is negative */
    public Position {
        if (epoch < 0 || batch < 0) {
            throw new CallerException("loader position", "negative", "epoch " + epoch + ", batch " + batch, "0 or more", "check the checkpoint");
        }
    }
}
