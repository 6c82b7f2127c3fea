package dev.jacquard.emulator;

import dev.jacquard.emulator.ptx.Space;

/**
 * {@code ldmatrix}, {@code stmatrix} and {@code movmatrix}: 8 x 8 matrices of 16-bit elements, of which lane i holds row i / 4, columns 2 (i % 4) and the one after it.
 *
 * <p>Lane 8 m + i gives the address of row i of matrix m. Rows are 16 bytes, aligned. The instructions order nothing in memory: what other lanes wrote needs a barrier of the warp
 * before.
 */
final class MatrixAccess {
    private MatrixAccess() {}

    /** Checks that a warp is whole. */
    static void whole(int mask, String what) {
        if (mask != -1) {
            throw new Fault(Integer.numberOfTrailingZeros(mask), what + " by a part of the warp, all 32 lanes must execute it: running lanes are 0x%08x".formatted(mask));
        }
    }

    /** Accesses of a lane per row. */
    private abstract static class Rows extends Access {
        final int[] registers;
        final boolean transposed;
        final int[] places = new int[Warp.LANES];

        Rows(Kind kind, Space space, int base, boolean wideBase, long offset, int[] registers, boolean transposed) {
            super(kind, space, base, wideBase, offset, 16);
            this.registers = registers;
            this.transposed = transposed;
        }

        @Override
        final int length(Warp w, int lane) {
            return lane < 8 * registers.length ? bytes : 0;
        }

        /** Finds all rows. @return shared memory's bytes */
        final byte[] rows(Warp w, String what) {
            for (int i = 0; i < 8 * registers.length; i++) {
                places[i] = locate(w, i);
                if (race != null) {
                    throw race;
                }
                if (data != w.machine.shared().data()) {
                    throw new Fault(i, what + " of a row that is not in shared memory");
                }
            }
            return w.machine.shared().data();
        }

        /** Where the lower half of a lane's register lies. */
        final int low(int matrix, int lane) {
            return transposed ? places[8 * matrix + 2 * (lane & 3)] + 2 * (lane >> 2) : places[8 * matrix + (lane >> 2)] + 4 * (lane & 3);
        }

        /** Where the upper half lies. */
        final int high(int matrix, int lane) {
            return transposed ? places[8 * matrix + 2 * (lane & 3) + 1] + 2 * (lane >> 2) : low(matrix, lane) + 2;
        }
    }

    /** {@code ldmatrix}. */
    static final class Load extends Rows {
        Load(Space space, int base, boolean wideBase, long offset, int[] d, boolean transposed) {
            super(Kind.READ, space, base, wideBase, offset, d, transposed);
        }

        @Override
        void run(Warp w, int mask) {
            whole(mask, "ldmatrix");
            byte[] from = rows(w, "ldmatrix");
            for (int k = 0; k < registers.length; k++) {
                int[] to = w.r[registers[k]];
                for (int i = 0; i < to.length; i++) {
                    to[i] = (short) SHORTS.get(from, low(k, i)) & 0xffff | (short) SHORTS.get(from, high(k, i)) << 16;
                }
            }
        }
    }

    /** {@code stmatrix}. */
    static final class Store extends Rows {
        Store(Space space, int base, boolean wideBase, long offset, int[] s, boolean transposed) {
            super(Kind.WRITE, space, base, wideBase, offset, s, transposed);
        }

        @Override
        void run(Warp w, int mask) {
            whole(mask, "stmatrix");
            byte[] to = rows(w, "stmatrix");
            for (int k = 0; k < registers.length; k++) {
                int[] from = w.r[registers[k]];
                for (int i = 0; i < from.length; i++) {
                    SHORTS.set(to, low(k, i), (short) from[i]);
                    SHORTS.set(to, high(k, i), (short) (from[i] >>> 16));
                }
            }
        }
    }

    /** {@code movmatrix}: a transposition between lanes. */
    static final class Transpose extends Insn {
        private final int d;
        private final int x;
        private final int[] out = new int[Warp.LANES];

        Transpose(int d, int x) {
            this.d = d;
            this.x = x;
        }

        @Override
        void run(Warp w, int mask) {
            whole(mask, "movmatrix");
            int[] from = w.r[x];
            for (int i = 0; i < out.length; i++) {
                int row = 2 * (i & 3);
                int column = i >> 2;
                out[i] = half(from, row, column) | half(from, row + 1, column) << 16;
            }
            w.write(d, mask, out);
        }

        private static int half(int[] from, int row, int column) {
            return from[4 * row + (column >> 1)] >>> 16 * (column & 1) & 0xffff;
        }
    }
}
