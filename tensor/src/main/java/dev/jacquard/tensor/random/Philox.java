package dev.jacquard.tensor.random;

import dev.jacquard.tensor.ShapeException;
import java.util.Objects;

/**
 * Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2,
 * 3", SC 2011. There is no state: a number is a pure function of what it is for.
 *
 * <p>The 64-bit key is the seed (lower word first). The four counter words are
 * {@code (block, stream, step & 0xffffffff, step >>> 32)}: {@code stream} is the number of the node in the graph, {@code
 * step} the training step. Element {@code e} of a tensor takes word {@code e & 3} of block {@code e >>> 2}, so a tensor
 * may have up to 2^34 elements. Every backend follows this rule to the bit.
 */
public final class Philox {
    /** Elements that one (seed, stream, step) can number: 2^34. */
    public static final long MAX_ELEMENTS = 1L << 34;

    private static final int ROUNDS = 10;
    private static final long M0 = 0xD2511F53L;
    private static final long M1 = 0xCD9E8D57L;
    private static final int W0 = 0x9E3779B9;
    private static final int W1 = 0xBB67AE85;
    private static final long LOW = 0xffffffffL;
    private static final float ULP = 0x1p-24f;

    private Philox() {
    }

    /**
     * The four words of one block.
     *
     * @param block 0 to 2^32 - 1
     * @param out4 receives the words in its first four places
     * @throws ShapeException if the block is out of range
     */
    public static void block(long seed, int stream, long step, long block, int[] out4) {
        if (block < 0 || block >= MAX_ELEMENTS / 4) {
            throw new ShapeException("philox", "block out of range", Long.toString(block), "0 to 2^32 - 1",
                    "draw tensors of at most 2^34 elements");
        }
        int c0 = (int) block;
        int c1 = stream;
        int c2 = (int) step;
        int c3 = (int) (step >>> 32);
        int k0 = (int) seed;
        int k1 = (int) (seed >>> 32);
        for (int round = 0; round < ROUNDS; round++) {
            long p0 = M0 * (c0 & LOW);
            long p1 = M1 * (c2 & LOW);
            c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            c1 = (int) p1;
            c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c3 = (int) p0;
            k0 += W0;
            k1 += W1;
        }
        out4[0] = c0;
        out4[1] = c1;
        out4[2] = c2;
        out4[3] = c3;
    }

    /** The word of one element: 32 random bits. @throws ShapeException if the element is not in 0 to 2^34 - 1 */
    public static int word(long seed, int stream, long step, long element) {
        checkRange(element, 1);
        int[] words = new int[4];
        block(seed, stream, step, element >>> 2, words);
        return words[(int) (element & 3)];
    }

    /** A word as a multiple of 2^-24 in [0, 1): its upper 24 bits, so that every value is exact in F32. */
    public static float uniform(int word) {
        return (word >>> 8) * ULP;
    }

    /**
     * The standard normal number of one element, by Box and Muller (1958): elements 2k and 2k + 1 are the cosine and the
     * sine of the pair of words 2k and 2k + 1. Computed in double with {@link StrictMath} and rounded once, hence the
     * same on every machine. The largest magnitude is sqrt(-2 ln 2^-24) = 5.77.
     *
     * @throws ShapeException if the element is not in 0 to 2^34 - 1
     */
    public static float normal(long seed, int stream, long step, long element) {
        checkRange(element, 1);
        int[] words = new int[4];
        block(seed, stream, step, element >>> 2, words);
        return normal(words, (int) (element & 3));
    }

    /**
     * The words of elements {@code first} to {@code first + n - 1}, into {@code dst[from]} on.
     *
     * @throws ShapeException if an element is not in 0 to 2^34 - 1
     * @throws IndexOutOfBoundsException if the numbers do not fit the array
     */
    public static void words(long seed, int stream, long step, long first, int[] dst, int from, int n) {
        check(first, dst.length, from, n);
        int[] words = new int[4];
        for (int done = 0; done < n; ) {
            int lane = nextBlock(seed, stream, step, first + done, words);
            for (; lane < 4 && done < n; lane++, done++) {
                dst[from + done] = words[lane];
            }
        }
    }

    /** Uniform numbers in [0, 1) of a range of elements; errors as in {@link #words}. */
    public static void uniforms(long seed, int stream, long step, long first, float[] dst, int from, int n) {
        check(first, dst.length, from, n);
        int[] words = new int[4];
        for (int done = 0; done < n; ) {
            int lane = nextBlock(seed, stream, step, first + done, words);
            for (; lane < 4 && done < n; lane++, done++) {
                dst[from + done] = uniform(words[lane]);
            }
        }
    }

    /** Standard normal numbers of a range of elements, as {@link #normal} has them; errors as in {@link #words}. */
    public static void normals(long seed, int stream, long step, long first, float[] dst, int from, int n) {
        check(first, dst.length, from, n);
        int[] words = new int[4];
        for (int done = 0; done < n; ) {
            int lane = nextBlock(seed, stream, step, first + done, words);
            for (; lane < 4 && done < n; lane++, done++) {
                dst[from + done] = normal(words, lane);
            }
        }
    }

    /** Makes the block that an element lies in; answers the element's place in it. */
    private static int nextBlock(long seed, int stream, long step, long element, int[] words) {
        block(seed, stream, step, element >>> 2, words);
        return (int) (element & 3);
    }

    private static float normal(int[] words, int index) {
        int pair = index & 2;
        // Shifted by one step into (0, 1]: the logarithm must not meet 0.
        double u = ((words[pair] >>> 8) + 1) * 0x1p-24;
        double radius = StrictMath.sqrt(-2 * StrictMath.log(u));
        double angle = 2 * Math.PI * uniform(words[pair + 1]);
        return (float) (radius * ((index & 1) == 0 ? StrictMath.cos(angle) : StrictMath.sin(angle)));
    }

    private static void check(long first, int length, int from, int n) {
        Objects.checkFromIndexSize(from, n, length);
        checkRange(first, n);
    }

    private static void checkRange(long first, int n) {
        if (first < 0 || first > MAX_ELEMENTS - n) {
            throw new ShapeException("philox", "element out of range", first + " and " + n + " from there",
                    "elements 0 to 2^34 - 1", "draw tensors of at most 2^34 elements");
        }
    }
}
