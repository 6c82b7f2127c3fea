package dev.jacquard.tensor;

/** Our fault: an invariant of the engine does not hold. Please report the message with the case it names. */
public final class EngineBugException extends JacquardException {
    /** An error in five parts: where, what was wrong, got, expected, what to do. */
    public EngineBugException(String op, String problem, String got, String expected, String remedy) {
        this(op, problem, got, expected, remedy, null);
    }

    /** An error in five parts, with its cause. */
    public EngineBugException(String op, String problem, String got, String expected, String remedy, Throwable cause) {
        super(op, problem, got, expected, remedy, cause);
    }
}
