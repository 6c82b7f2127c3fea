package dev.jacquard.kernels;

/**
 * A divisor as kernels take it: the quotient of 0 &lt;= n &lt; 2^31 is {@code (high32(n * multiplier) + n) >> shift}. (Granlund and Montgomery, Division by invariant integers.)
 *
 * @param divisor 1 or more
 * @param multiplier 32 bits, unsigned
 * @param shift 0 to 31
 */
record Divisor(int divisor, int multiplier, int shift) {
    static Divisor of(long divisor) {
        int d = Math.toIntExact(divisor);
        int shift = 32 - Integer.numberOfLeadingZeros(d - 1);
        return new Divisor(d, (int) ((((1L << shift) - d << 32) / d) + 1), shift);
    }
}
