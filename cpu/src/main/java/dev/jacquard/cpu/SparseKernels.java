package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.Metadata24;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Sparse24;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Compressing 2:4 sparse matrices and expanding them. A product here is of the expanded matrix: vectors gain nothing from the zeros. Not tuned: weights are compressed once. */
final class SparseKernels {
    private SparseKernels() {}

    /** A kernel that takes every element type. */
    private record Any<O extends Op>(Function<Call, Launch> body) implements CpuKernel<O> {
        @Override
        public Launch bind(O op, Call call) {
            return body.apply(call);
        }

        @Override
        public boolean takes(O op, List<TensorType> in) {
            return true;
        }
    }

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(Sparse24.Compress24.class, new Any<Sparse24.Compress24>(SparseKernels::compress), Sparse24.Expand24.class, new Any<Sparse24.Expand24>(SparseKernels::expand));
    }

    /** A block of 16 rows at a time, which own their words of metadata. */
    private static Launch compress(Call call) {
        TensorType type = call.in().getFirst().type();
        Metadata24 layout = Metadata24.of(type);
        long w = call.in(0);
        long values = call.out(0);
        long metadata = call.out(1);
        long blockBytes = layout.blockColumns() * Metadata24.WORDS * 4;
        return call.parallel(layout.blockRows(), Metadata24.ROWS * layout.k(), (a, b) -> {
            for (long block = a; block < b; block++) {
                Raw.zero(metadata + block * blockBytes, blockBytes);
                for (long row = block * Metadata24.ROWS; row < (block + 1) * Metadata24.ROWS; row++) {
                    compress(type.dtype(), layout, row, w, values, metadata);
                }
            }
        });
    }

    private static void compress(DType dtype, Metadata24 layout, long row, long w, long values, long metadata) {
        int size = dtype.bytes();
        for (long quad = 0; quad < layout.blockColumns() * (Metadata24.COLUMNS / 4); quad++) {
            int nibble = Metadata24.FIRST_TWO;
            if (row < layout.n() && 4 * quad < layout.k()) {
                long at = row * layout.k() + 4 * quad;
                nibble = kept(w + at * size, dtype);
                Raw.copy(w + (at + nibble % 4) * size, values + at / 2 * size, size);
                Raw.copy(w + (at + nibble / 4) * size, values + (at / 2 + 1) * size, size);
            }
            long to = metadata + 4 * layout.word(row, quad);
            Raw.setInt(to, Raw.getInt(to) | nibble << layout.shift(row, quad));
        }
    }

    /** Two of four play each other once, the earlier one winning draws; who loses at most once is kept. */
    private static int kept(long quad, DType dtype) {
        int[] losses = new int[4];
        for (int later = 1; later < 4; later++) {
            for (int earlier = 0; earlier < later; earlier++) {
                boolean wins = magnitude(quad, later, dtype) > magnitude(quad, earlier, dtype);
                losses[wins ? earlier : later]++;
            }
        }
        int low = losses[0] < 2 ? 0 : losses[1] < 2 ? 1 : 2;
        int high = losses[3] < 2 ? 3 : losses[2] < 2 ? 2 : 1;
        return Metadata24.nibble(low, high);
    }

    private static double magnitude(long quad, int i, DType dtype) {
        double v = Math.abs(Raw.get(quad + (long) i * dtype.bytes(), dtype));
        return Double.isNaN(v) ? Double.POSITIVE_INFINITY : v;
    }

    private static Launch expand(Call call) {
        TensorType type = call.out().getFirst().type();
        Metadata24 layout = Metadata24.of(type);
        int size = type.dtype().bytes();
        long values = call.in(0);
        long metadata = call.in(1);
        long w = call.out(0);
        return call.parallel(layout.n(), layout.k(), (a, b) -> {
            Raw.zero(w + a * layout.k() * size, (b - a) * layout.k() * size);
            for (long row = a; row < b; row++) {
                for (long quad = 0; quad < layout.k() / 4; quad++) {
                    int nibble = Raw.getInt(metadata + 4 * layout.word(row, quad)) >>> layout.shift(row, quad) & 15;
                    long at = row * layout.k() + 4 * quad;
                    Raw.copy(values + at / 2 * size, w + (at + nibble % 4) * size, size);
                    Raw.copy(values + (at / 2 + 1) * size, w + (at + nibble / 4) * size, size);
                }
            }
        });
    }
}
