package dev.jacquard.tensor;

/** Shapes that do not fit an op. */
public final class ShapeException extends CallerException {
    /** An error in five parts: where, what was wrong, got, expected, what to do. */
    public ShapeException(String op, String problem, String got, String expected, String remedy) {
        this(op, problem, got, expected, remedy, null);
    }

    /** An error in five parts, with its cause. */
    public ShapeException(String op, String problem, String got, String expected, String remedy, Throwable cause) {
        super(op, problem, got, expected, remedy, cause);
    }
}
