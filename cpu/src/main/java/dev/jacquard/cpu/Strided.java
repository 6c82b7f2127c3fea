package dev.jacquard.cpu;

import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * Operands of one shape as a loop nest with as few loops as their strides allow: neighbouring dimensions that every operand steps through evenly become
 * one. The innermost loop is what kernels run over; {@link #offset} places it for each of the outer iterations.
 *
 * @param inner iterations of the innermost loop
 * @param outer iterations of all others together
 * @param innerStrides each operand's stride in the innermost loop, in elements
 * @param dims extents of the outer loops, innermost first
 * @param strides each operand's strides in the outer loops, innermost first
 */
record Strided(long inner, long outer, long[] innerStrides, long[] dims, long[][] strides) {
    /** Merges the dimensions of layouts that all have the given shape after broadcasting. */
    static Strided of(Shape shape, List<Layout> layouts) {
        int operands = layouts.size();
        List<long[]> loops = new ArrayList<>(); // innermost first: extent, then each operand's stride
        for (int d = shape.rank() - 1; d >= 0; d--) {
            if (shape.dim(d) == 1) {
                continue;
            }
            long[] loop = new long[operands + 1];
            loop[0] = shape.dim(d);
            for (int o = 0; o < operands; o++) {
                loop[o + 1] = layouts.get(o).stride(d);
            }
            long[] last = loops.isEmpty() ? null : loops.getLast();
            if (last != null && continues(last, loop)) {
                last[0] *= loop[0];
            } else {
                loops.add(loop);
            }
        }
        if (loops.isEmpty()) {
            long[] one = new long[operands + 1];
            one[0] = 1;
            java.util.Arrays.fill(one, 1, operands + 1, 1);
            loops.add(one);
        }
        long[] innermost = loops.getFirst();
        int rest = loops.size() - 1;
        long[] dims = new long[rest];
        long[][] strides = new long[operands][rest];
        long outer = 1;
        for (int i = 0; i < rest; i++) {
            dims[i] = loops.get(i + 1)[0];
            outer *= dims[i];
            for (int o = 0; o < operands; o++) {
                strides[o][i] = loops.get(i + 1)[o + 1];
            }
        }
        return new Strided(innermost[0], outer, java.util.Arrays.copyOfRange(innermost, 1, operands + 1), dims, strides);
    }

    private static boolean continues(long[] inner, long[] outer) {
        for (int o = 1; o < inner.length; o++) {
            if (outer[o] != inner[o] * inner[0]) {
                return false;
            }
        }
        return true;
    }

    /** Where an operand's innermost loop begins at an outer iteration, in elements from its first. */
    long offset(int operand, long iteration) {
        long rest = iteration;
        long at = 0;
        for (int i = 0; i < dims.length; i++) {
            at += rest % dims[i] * strides[operand][i];
            rest /= dims[i];
        }
        return at;
    }
}
