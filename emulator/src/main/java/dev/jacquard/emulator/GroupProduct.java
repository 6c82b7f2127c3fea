package dev.jacquard.emulator;

import dev.jacquard.emulator.MatrixProduct.Multiplicand;

/**
 * {@code wgmma.mma_async}: D = A B + D of shape m64, by the four warps of a warpgroup, each of which makes 16 rows of D.
 *
 * <p>A warp's fragments are those of {@link MatrixProduct}: of D, register i of lane l holds row l / 4 + 8 (i / 2 % 2), column 8 (i / 4) + 2 (l % 4) + i % 2; A in registers is
 * laid out as there. The arithmetic is that of {@link MatrixProduct} too: exact products, added one after the other and each sum rounded to float; integers are exact.
 */
final class GroupProduct extends Insn {
    private static final int ROWS = 16;
    private static final int CHUNK = 16;
    private static final int CORE = 8;
    private static final int NAN = 0x7fffffff;
    private static final int[] NONE = {};

    /**
     * What an instruction multiplies.
     *
     * @param columns n of the shape
     * @param a type of A
     * @param b type of B
     * @param integer whether D is of integers
     * @param saturated whether those are clamped
     * @param negateA whether A is negated, and so on
     * @param acrossA whether A lies transposed in shared memory, and so on
     */
    record Kind(int columns, Multiplicand a, Multiplicand b, boolean integer, boolean saturated, boolean negateA, boolean negateB, boolean acrossA, boolean acrossB) {
        /** k of the shape: 32 bytes of elements. */
        int depth() {
            return 8 * a.perWord;
        }
    }

    /** Whether D is added: a predicate's register and whether it is negated, or a constant. */
    record Scale(int predicate, boolean negated, boolean constant) {
        boolean adds(Warp w) {
            return predicate < 0 ? constant : (w.p[predicate] & 1) != 0 != negated;
        }
    }

    private final Kind of;
    private final int[] d;
    private final int[] a;
    private final int descriptorA;
    private final int descriptorB;
    private final Scale scale;
    /** A, row after row. */
    private final float[] left;
    /** B, k after k. */
    private final float[] right;
    private final float[] sums;

    /** @param a registers of A, or none @param descriptorA register of its descriptor, or -1 */
    GroupProduct(Kind of, int[] d, int[] a, int descriptorA, int descriptorB, Scale scale) {
        this.of = of;
        this.d = d;
        this.a = a == null ? NONE : a;
        this.descriptorA = descriptorA;
        this.descriptorB = descriptorB;
        this.scale = scale;
        sums = new float[of.columns];
        left = new float[ROWS * of.depth()];
        right = new float[of.columns * of.depth()];
    }

    @Override
    void run(Warp w, int mask) {
        MatrixAccess.whole(mask, "wgmma");
        long from = descriptorA < 0 ? 0 : w.q[descriptorA][0];
        w.machine.warpgroups().step(w, this, from, w.q[descriptorB][0]);
        w.products.issue(a, d, 0);
        if (descriptorA < 0) {
            fragments(w);
        } else {
            matrix(w, SharedMatrix.of(from, 0), of.a, of.acrossA, ROWS * (w.index % 4), ROWS, left, of.depth(), 1);
        }
        matrix(w, SharedMatrix.of(w.q[descriptorB][0], 0), of.b, of.acrossB, 0, of.columns, right, 1, of.columns);
        boolean adds = scale.adds(w);
        for (int row = 0; row < ROWS; row++) {
            row(w, row, adds);
        }
    }

    /** A row of D: of eight columns at a time two registers of four lanes. Each sum goes along the depth; columns go side by side, which the JIT's compiler turns into vectors. */
    private void row(Warp w, int row, boolean adds) {
        int n = of.columns;
        for (int column = 0; column < n; column++) {
            sums[column] = adds && !of.integer ? Floats.f(w.r[d[register(row, column)]][lane(row, column)]) : 0;
        }
        float sign = of.negateA != of.negateB ? -1 : 1;
        for (int k = 0; k < of.depth(); k++) {
            multiply(sign * left[row * of.depth() + k], right, k * n, n, sums);
        }
        for (int column = 0; column < n; column++) {
            int[] to = w.r[d[register(row, column)]];
            int lane = lane(row, column);
            float x = sums[column];
            if (of.integer) {
                long sum = (adds ? to[lane] : 0L) + (int) x;
                to[lane] = of.saturated ? Math.clamp(sum, Integer.MIN_VALUE, Integer.MAX_VALUE) : (int) sum;
            } else {
                to[lane] = Float.isNaN(x) ? NAN : Floats.b(x);
            }
        }
    }

    private static void multiply(float a, float[] b, int from, int n, float[] sums) {
        for (int i = 0; i < n; i++) {
            sums[i] = Math.fma(a, b[from + i], sums[i]);
        }
    }

    private static int lane(int row, int column) {
        return 4 * (row & 7) + (column >> 1 & 3);
    }

    private static int register(int row, int column) {
        return 4 * (column >> 3) + 2 * (row >> 3) + (column & 1);
    }

    /** A of registers. */
    private void fragments(Warp w) {
        int n = of.a.perWord;
        for (int k = 0; k < a.length; k++) {
            int[] from = w.r[a[k]];
            int first = (k >> 1) * 4 * n;
            for (int i = 0; i < from.length; i++) {
                int at = ((i >> 2) + 8 * (k & 1)) * of.depth() + first + (i & 3) * n;
                for (int j = 0; j < n; j++) {
                    left[at + j] = of.a.value(from[i], j);
                }
            }
        }
    }

    /** Reads rows of m or n of a matrix in shared memory. @param perRow how far apart rows go to @param perK how far apart their elements go to */
    private void matrix(Warp w, SharedMatrix from, Multiplicand type, boolean across, int first, int rows, float[] to, int perRow, int perK) {
        int depth = of.depth();
        int perChunk = 4 * type.perWord;
        if (w.machine.counters() != null && (to == left || w.index % 4 == 0)) { // B is the same for the four warps: counted once
            count(w.machine.counters(), from, across, first, rows, perChunk);
        }
        if (across) {
            for (int k = 0; k < depth; k++) {
                for (int c = 0; c < rows / perChunk; c++) {
                    int at = chunk(w, from.across(k, first / perChunk + c));
                    for (int e = 0; e < perChunk; e++) {
                        to[(c * perChunk + e) * perRow + k * perK] = element(w, type, at, e);
                    }
                }
            }
            return;
        }
        for (int row = 0; row < rows; row++) {
            for (int c = 0; c < 2; c++) {
                int at = chunk(w, from.along(first + row, c));
                for (int e = 0; e < perChunk; e++) {
                    to[row * perRow + (c * perChunk + e) * perK] = element(w, type, at, e);
                }
            }
        }
    }

    /** Counts the passes over the banks that reading a matrix takes: a core matrix, eight lines of 16 bytes, is 128 bytes and takes one if it covers them all. */
    private void count(Counters counters, SharedMatrix from, boolean across, int first, int rows, int perChunk) {
        int lines = across ? of.depth() : rows;
        int chunks = across ? rows / perChunk : 2;
        int[] core = new int[CORE];
        for (int line = 0; line < lines; line += CORE) {
            for (int c = 0; c < chunks; c++) {
                for (int i = 0; i < CORE; i++) {
                    core[i] = across ? from.across(line + i, first / perChunk + c) : from.along(first + line + i, c);
                }
                counters.core(core);
            }
        }
    }

    private int chunk(Warp w, int address) {
        SharedMemory shared = w.machine.shared();
        int o = address - Windows.SHARED_START;
        if (o < 0 || o > shared.size() - CHUNK) {
            throw new Fault(0, "read by wgmma of 16 bytes of shared memory at " + shared.describe(address));
        }
        shared.asyncRead(w, 0, o, CHUNK, "read by wgmma");
        w.products.reads(w, this, o, CHUNK);
        return o;
    }

    private static float element(Warp w, Multiplicand type, int at, int e) {
        return type.value((int) Access.INTS.get(w.machine.shared().data(), at + e / type.perWord * 4), e % type.perWord);
    }

    /** {@code wgmma.fence}, {@code wgmma.commit_group} and {@code wgmma.wait_group}. */
    static final class Order extends Insn {
        private final String what;
        private final int pending;

        Order(String what, int pending) {
            this.what = what;
            this.pending = pending;
        }

        @Override
        void run(Warp w, int mask) {
            MatrixAccess.whole(mask, "wgmma");
            switch (what) {
                case "fence" -> w.products.fence();
                case "commit_group" -> w.products.commit();
                default -> w.products.complete(w, pending);
            }
        }
    }
}
