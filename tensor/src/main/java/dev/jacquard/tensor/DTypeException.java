package dev.jacquard.tensor;

/** An element type that an op does not take. */
public final class DTypeException extends CallerException {
    /** An error in five parts: where, what was wrong, got, expected, what to do. */
    public DTypeException(String op, String problem, String got, String expected, String remedy) {
        this(op, problem, got, expected, remedy, null);
    }

    /** An error in five parts, with its cause. */
    public DTypeException(String op, String problem, String got, String expected, String remedy, Throwable cause) {
        super(op, problem, got, expected, remedy, cause);
    }
}
