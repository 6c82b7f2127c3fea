package dev.jacquard.tensor;

/** A device's memory does not suffice. */
public final class OutOfMemoryException extends DeviceException {
    private static final long serialVersionUID = 1;

    /** An error in five parts, with its cause, which may be null. */
    public OutOfMemoryException(String op, String problem, String got, String expected, String remedy, Throwable cause) {
        super(op, problem, got, expected, remedy, cause);
    }
}
