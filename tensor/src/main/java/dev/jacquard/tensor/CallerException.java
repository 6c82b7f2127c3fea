package dev.jacquard.tensor;

/** The caller's fault: an input, a flag, a file or a machine that does not fit. The command line answers with exit code 2. */
public class CallerException extends JacquardException {
    /** An error in five parts: where, what was wrong, got, expected, what to do. */
    public CallerException(String op, String problem, String got, String expected, String remedy) {
        this(op, problem, got, expected, remedy, null);
    }

    /** An error in five parts, with its cause. */
    public CallerException(String op, String problem, String got, String expected, String remedy, Throwable cause) {
        super(op, problem, got, expected, remedy, cause);
    }
}
