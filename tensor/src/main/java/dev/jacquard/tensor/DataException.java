package dev.jacquard.tensor;

/** A file or data set that is missing, malformed or not what was asked for; the first part names it. */
public final class DataException extends CallerException {
    /** An error in five parts: where, what was wrong, got, expected, what to do. */
    public DataException(String op, String problem, String got, String expected, String remedy) {
        this(op, problem, got, expected, remedy, null);
    }

    /** An error in five parts, with its cause. */
    public DataException(String op, String problem, String got, String expected, String remedy, Throwable cause) {
        super(op, problem, got, expected, remedy, cause);
    }
}
