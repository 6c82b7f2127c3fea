package dev.jacquard.tensor;

/** A device or backend that is missing, or cannot do what was asked. */
public sealed class DeviceException extends CallerException permits OutOfMemoryException {
    /** An error in five parts: where, what was wrong, got, expected, what to do. */
    public DeviceException(String op, String problem, String got, String expected, String remedy) {
        this(op, problem, got, expected, remedy, null);
    }

    /** An error in five parts, with its cause. */
    public DeviceException(String op, String problem, String got, String expected, String remedy, Throwable cause) {
        super(op, problem, got, expected, remedy, cause);
    }
}
