package dev.jacquard.train;

/** Why a run ended, or a part of it. */
public enum Ending {
    /** All epochs were done. */
    EPOCHS(true, "all epochs were done"),
    /** Accuracy had not risen for as many epochs as the patience allows. */
    EARLY_STOPPING(true, "no better top-1 for as many epochs as --early-stopping-patience allows"),
    /** The accuracy that was asked for was reached. */
    TARGET(true, "--target-top1 was reached"),
    /** As many epochs as this part was to do were done; the run can be resumed. */
    RUN_EPOCHS(false, "--run-epochs were done"),
    /** As many steps as were asked for were done; the run can be resumed. */
    MAX_STEPS(false, "--max-steps were done"),
    /** Somebody asked to stop; the run can be resumed. */
    STOPPED(false, "stopped");

    private final boolean complete;
    private final String words;

    Ending(boolean complete, String words) {
        this.complete = complete;
        this.words = words;
    }

    /** Whether there is nothing left to do. */
    public boolean complete() {
        return complete;
    }

    /** Why, in words. */
    @Override
    public String toString() {
        return words;
    }
}
