package dev.jacquard.tck.reference;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Metadata24;
import dev.jacquard.tensor.op.Sparse24;
import java.util.Arrays;
import java.util.List;

/** 2:4 sparsity. */
final class SparseKernels {
    private SparseKernels() {}

    static void rows() {
        Kernels.all(Sparse24.Compress24.class, (_, in, types) -> compress(in.getFirst(), types));
        Kernels.one(Sparse24.Expand24.class, (_, in, type) -> expand(in.get(0), in.get(1), type));
    }

    private static List<double[]> compress(Array w, List<TensorType> types) {
        List<double[]> out = ReferenceBackend.zeros(types);
        Metadata24 layout = Metadata24.of(w.type());
        int[] words = new int[out.get(1).length];
        long rows = layout.blockRows() * Metadata24.ROWS;
        long quads = layout.blockColumns() * Metadata24.COLUMNS / 4;
        for (long row = 0; row < rows; row++) {
            for (long quad = 0; quad < quads; quad++) {
                int nibble = Metadata24.FIRST_TWO;
                if (row < layout.n() && 4 * quad < layout.k()) {
                    int at = Math.toIntExact(row * layout.k() + 4 * quad);
                    int first = largest(w.values(), at, -1);
                    int second = largest(w.values(), at, first);
                    int low = Math.min(first, second);
                    int high = Math.max(first, second);
                    out.get(0)[at / 2] = w.values()[at + low];
                    out.get(0)[at / 2 + 1] = w.values()[at + high];
                    nibble = Metadata24.nibble(low, high);
                }
                words[Math.toIntExact(layout.word(row, quad))] |= nibble << layout.shift(row, quad);
            }
        }
        out.set(1, Arrays.stream(words).asDoubleStream().toArray());
        return out;
    }

    /** Which of four is the largest in magnitude but for one; the first of equals. */
    private static int largest(double[] values, int at, int but) {
        int best = -1;
        for (int i = 0; i < 4; i++) {
            if (i != but && (best < 0 || magnitude(values[at + i]) > magnitude(values[at + best]))) {
                best = i;
            }
        }
        return best;
    }

    private static double magnitude(double v) {
        return Double.isNaN(v) ? Double.POSITIVE_INFINITY : Math.abs(v);
    }

    private static double[] expand(Array values, Array metadata, TensorType type) {
        double[] w = new double[Math.toIntExact(type.shape().size())];
        Metadata24 layout = Metadata24.of(type);
        for (int i = 0; i < values.values().length; i += 2) {
            long row = 2L * i / layout.k();
            long quad = 2L * i % layout.k() / 4;
            int nibble = (int) metadata.values()[Math.toIntExact(layout.word(row, quad))] >>> layout.shift(row, quad) & 15;
            w[2 * i + nibble % 4] = values.values()[i];
            w[2 * i + nibble / 4] = values.values()[i + 1];
        }
        return w;
    }
}
