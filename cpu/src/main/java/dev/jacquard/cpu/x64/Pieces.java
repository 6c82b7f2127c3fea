package dev.jacquard.cpu.x64;

/**
 * So many floats cut into as few pieces as possible, as equal as possible: the larger ones first. Pieces are of whole units, but for the last one's end.
 *
 * @param floats how many
 * @param unit floats that stay together: 1, or those of a vector
 * @param most units of the largest piece
 */
record Pieces(int floats, int unit, int most) {
    /** The largest of as few, and as equal, parts of n as have at most so many each. @param n at least 1 */
    static int even(int n, int most) {
        return Math.ceilDiv(n, Math.ceilDiv(n, most));
    }

    private int units() {
        return Math.ceilDiv(floats, unit);
    }

    int count() {
        return Math.ceilDiv(units(), most);
    }

    /** Units of the larger pieces less one: those of the others. */
    int low() {
        return units() / count();
    }

    /** How many pieces have one unit more than {@link #low}. */
    int larger() {
        return units() % count();
    }

    /** The first float of piece {@code i}. */
    int begin(int i) {
        return Math.min(floats, unit * (i * low() + Math.min(i, larger())));
    }
}
