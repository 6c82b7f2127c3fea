package dev.jacquard.tensor;

/** Training left the numbers: a loss or gradient that is not finite. */
public final class DivergedException extends CallerException {
    /** An error in five parts: where, what was wrong, got, expected, what to do. */
    public DivergedException(String op, String problem, String got, String expected, String remedy) {
        this(op, problem, got, expected, remedy, null);
    }

    /** An error in five parts, with its cause. */
    public DivergedException(String op, String problem, String got, String expected, String remedy, Throwable cause) {
        super(op, problem, got, expected, remedy, cause);
    }
}
