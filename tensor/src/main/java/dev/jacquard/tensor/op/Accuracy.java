package dev.jacquard.tensor.op;

/**
 * How rounding accumulates in an op; the tolerance table of the test kit is keyed by it.
 *
 * @param kind the class
 * @param length number of terms that are summed into one result; 1 where nothing is summed
 */
public record Accuracy(Kind kind, long length) {
    /** Classes of accuracy. */
    public enum Kind {
        /** Bit for bit: movement, integers, comparisons. */
        EXACT,
        /** A few roundings per element. */
        ELEMENTWISE,
        /** A sum of {@code length} terms. */
        REDUCE,
        /** A sum of {@code length} products. */
        MATMUL
    }

    /** Bit for bit. */
    public static Accuracy exact() {
        return new Accuracy(Kind.EXACT, 1);
    }

    /** A few roundings. */
    public static Accuracy elementwise() {
        return new Accuracy(Kind.ELEMENTWISE, 1);
    }

    /** A sum of so many terms. */
    public static Accuracy reduce(long length) {
        return new Accuracy(Kind.REDUCE, Math.max(length, 1));
    }

    /** A sum of so many products. */
    public static Accuracy matmul(long length) {
        return new Accuracy(Kind.MATMUL, Math.max(length, 1));
    }
}
