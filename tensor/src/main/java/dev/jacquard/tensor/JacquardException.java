package dev.jacquard.tensor;

/**
 * Every error of the engine, told in five parts: the op (or the thing at hand: a flag, a file), what was wrong, what was
 * got, what was expected, what to do. The message is one line made of the five.
 *
 * <p>{@link CallerException} and its kinds are the caller's fault, {@link EngineBugException} is ours.
 */
public abstract class JacquardException extends RuntimeException {
    private final String op;
    private final String problem;
    private final String got;
    private final String expected;
    private final String remedy;

    JacquardException(String op, String problem, String got, String expected, String remedy, Throwable cause) {
        super(op + ": " + problem + ": got " + got + "; expected " + expected + "; " + remedy, cause);
        this.op = op;
        this.problem = problem;
        this.got = got;
        this.expected = expected;
        this.remedy = remedy;
    }

    /** The op, flag or file that the error is about. */
    public String op() {
        return op;
    }

    /** What was wrong, in a few words. */
    public String problem() {
        return problem;
    }

    /** What was found. */
    public String got() {
        return got;
    }

    /** What would have been right. */
    public String expected() {
        return expected;
    }

    /** What to do about it. */
    public String remedy() {
        return remedy;
    }
}
