package dev.jacquard.cli;

/** The built-in pictures that commands use when no data set is named. */
final class Generated {
    /** One data set for all runs: their numbers can be compared, whatever their own seed. */
    static final long SEED = 1;

    private Generated() {}
}
