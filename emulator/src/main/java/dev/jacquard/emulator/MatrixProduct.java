package dev.jacquard.emulator;

/**
 * {@code mma.sync} and {@code mma.sp.sync} of shape m16n8: D = A B + C, where the lanes of a warp hold the matrices' elements.
 *
 * <p>The layout is the same for all types, in units of registers: of A, register 2 c + h of lane i holds row i / 4 + 8 h and, of the c-th four registers' worth of columns, the i %
 * 4-th; of B, register c of lane i holds column i / 4 and the rows that are such columns of A; of C and D, lane i holds row i / 4 + 8 h, columns 2 (i % 4) and the next, in
 * registers 2 h and 2 h + 1, or both in register h if they are halves.
 * (PTX ISA, "Matrix fragments for mma.m16n8k*".) A sparse A is stored without its zeros, which makes it a matrix of half the columns; {@link Sparsity} says where these belong.
 *
 * <p>Numbers: products are exact, and added to the accumulator one after the other with k ascending, each sum rounded to float. A device adds several at once and cuts off bits
 * below float's, in a way that NVIDIA does not document: results agree within the tolerances of a dot product, not bitwise. A half accumulator is rounded once per instruction. Of
 * TF32 the low 13 bits are ignored. Integers are exact: an instruction's products sum to less than 2^24, so that the sum in float is too.
 */
final class MatrixProduct extends Insn {
    private static final int ROWS = 16;
    private static final int COLUMNS = 8;
    private static final int NAN = 0x7fffffff;

    /** Types of A and B. */
    enum Multiplicand {
        F16(2), BF16(2), TF32(1), S8(4), U8(4);

        /** Elements of a register. */
        final int perWord;

        Multiplicand(int perWord) {
            this.perWord = perWord;
        }

        /** Element j of a register. */
        float value(int word, int j) {
            return switch (this) {
                case F16 -> Floats.half(word >>> 16 * j & 0xffff);
                case BF16 -> Floats.bfloat(word >>> 16 * j & 0xffff);
                case TF32 -> Floats.f(word & ~0x1fff);
                case S8 -> (byte) (word >>> 8 * j);
                case U8 -> word >>> 8 * j & 255;
            };
        }
    }

    /** Types of C and D. */
    enum Accumulator { F16, F32, S32, S32_SATURATED }

    /**
     * What an instruction multiplies.
     *
     * @param depth k of the shape
     * @param a type of A
     * @param b type of B, another one for integers only
     * @param c type of C
     * @param d type of D
     */
    record Kind(int depth, Multiplicand a, Multiplicand b, Accumulator c, Accumulator d) {}

    private final Kind of;
    private final int[] a;
    private final int[] b;
    private final int[] c;
    private final int[] d;
    private final Sparsity sparsity;
    /** Columns of A that are stored. */
    private final int stored;
    private final float[] left;
    private final float[] right;
    private final float[] sums = new float[ROWS * COLUMNS];

    /** @param a registers of A, and so on @param sparsity where the stored columns belong, or null */
    MatrixProduct(Kind of, int[] a, int[] b, int[] c, int[] d, Sparsity sparsity) {
        this.of = of;
        this.a = a;
        this.b = b;
        this.c = c;
        this.d = d;
        this.sparsity = sparsity;
        stored = sparsity == null ? of.depth : of.depth / 2;
        left = new float[ROWS * stored];
        right = new float[of.depth * COLUMNS];
    }

    @Override
    void run(Warp w, int mask) {
        MatrixAccess.whole(mask, "mma");
        readLeft(w);
        readRight(w);
        boolean integer = of.c == Accumulator.S32 || of.c == Accumulator.S32_SATURATED;
        for (int row = 0; row < ROWS; row++) {
            for (int column = 0; column < COLUMNS; column++) {
                sums[row * COLUMNS + column] = integer ? 0 : accumulator(w, row, column);
            }
        }
        int[] places = sparsity == null ? null : sparsity.places(w);
        for (int row = 0; row < ROWS; row++) {
            multiply(row, places);
        }
        for (int row = 0; row < ROWS; row++) {
            for (int column = 0; column < COLUMNS; column++) {
                put(w, row, column, sums[row * COLUMNS + column]);
            }
        }
    }

    private void multiply(int row, int[] places) {
        int to = row * COLUMNS;
        for (int s = 0; s < stored; s++) {
            float x = left[row * stored + s];
            int from = (places == null ? s : places[row * stored + s]) * COLUMNS;
            for (int column = 0; column < COLUMNS; column++) {
                sums[to + column] = Math.fma(x, right[from + column], sums[to + column]);
            }
        }
    }

    private void readLeft(Warp w) {
        int n = of.a.perWord;
        for (int k = 0; k < a.length; k++) {
            int[] from = w.r[a[k]];
            int first = (k >> 1) * 4 * n;
            for (int i = 0; i < from.length; i++) {
                int at = ((i >> 2) + 8 * (k & 1)) * stored + first + (i & 3) * n;
                for (int j = 0; j < n; j++) {
                    left[at + j] = of.a.value(from[i], j);
                }
            }
        }
    }

    private void readRight(Warp w) {
        int n = of.b.perWord;
        for (int k = 0; k < b.length; k++) {
            int[] from = w.r[b[k]];
            for (int i = 0; i < from.length; i++) {
                int row = k * 4 * n + (i & 3) * n;
                for (int j = 0; j < n; j++) {
                    right[(row + j) * COLUMNS + (i >> 2)] = of.b.value(from[i], j);
                }
            }
        }
    }

    /** The lane that holds an element of C and D. */
    private static int lane(int row, int column) {
        return 4 * (row & 7) + (column >> 1);
    }

    private float accumulator(Warp w, int row, int column) {
        int i = lane(row, column);
        return of.c == Accumulator.F16 ? Floats.half(w.r[c[row >> 3]][i] >>> 16 * (column & 1) & 0xffff) : Floats.f(w.r[c[2 * (row >> 3) + (column & 1)]][i]);
    }

    private void put(Warp w, int row, int column, float sum) {
        int i = lane(row, column);
        int k = 2 * (row >> 3) + (column & 1);
        switch (of.d) {
            case F32 -> w.r[d[k]][i] = Float.isNaN(sum) ? NAN : Floats.b(sum);
            case F16 -> {
                int shift = 16 * (column & 1);
                int half = Float.isNaN(sum) ? NAN & 0x7fff : Floats.half(sum);
                int[] to = w.r[d[row >> 3]];
                to[i] = to[i] & ~(0xffff << shift) | half << shift;
            }
            case S32 -> w.r[d[k]][i] = w.r[c[k]][i] + (int) sum;
            case S32_SATURATED -> w.r[d[k]][i] = Math.clamp((long) w.r[c[k]][i] + (int) sum, Integer.MIN_VALUE, Integer.MAX_VALUE);
        }
    }
}
