package dev.jacquard.train;

/** Means of the training loss, over an epoch and since the log's last line. A loss that is not finite, of a step that was skipped, is left out. */
final class RunningLoss {
    private double epoch;
    private int leftOut;
    private double recent;
    private int counted;

    /** Goes on from where a checkpoint left an epoch. */
    static RunningLoss of(Progress p) {
        RunningLoss loss = new RunningLoss();
        loss.epoch = p.epochLoss();
        loss.leftOut = p.leftOut();
        return loss;
    }

    void add(float loss) {
        if (Float.isFinite(loss)) {
            epoch += loss;
            recent += loss;
            counted++;
        } else {
            leftOut++;
        }
    }

    /** Sum of the epoch's finite losses. */
    double epoch() {
        return epoch;
    }

    /** Number of the epoch's others. */
    int leftOut() {
        return leftOut;
    }

    /** Mean since {@link #line}; NaN if no step had a finite loss. */
    double recent() {
        return recent / counted;
    }

    /** Begins anew after a line. */
    void line() {
        recent = 0;
        counted = 0;
    }
}
