package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.load;
import static dev.jacquard.cpu.simd.Species.splat;
import static dev.jacquard.cpu.simd.Species.store;

import dev.jacquard.cpu.PointwiseLoop;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** The loop of three operands, copied per op by {@link PointwiseTable}. */
final class TernaryLoop implements PointwiseLoop {
    private static final PointwiseTable.Three FUNCTION = PointwiseTable.function(MethodHandles.lookup(), PointwiseTable.Three.class);

    @Override
    public void run(long a, long aStep, long b, long bStep, long c, long cStep, long out, long n) {
        if (n == 0) {
            return;
        }
        if (aStep == 1 && bStep == 1 && cStep == 1) {
            long i = 0;
            for (; i + LANES <= n; i += LANES) {
                store(FUNCTION.apply(load(a + 4 * i), load(b + 4 * i), load(c + 4 * i)), out + 4 * i);
            }
            if (i < n) {
                VectorMask<Float> rest = F.indexInRange(i, n);
                store(FUNCTION.apply(load(a + 4 * i, rest), load(b + 4 * i, rest), load(c + 4 * i, rest)), out + 4 * i, rest);
            }
            return;
        }
        FloatVector a0 = splat(a);
        FloatVector b0 = splat(b);
        FloatVector c0 = splat(c);
        for (long i = 0; i < n; i += LANES) {
            // Chosen afresh for each vector: one carried around the loop would be boxed.
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = aStep == 1 ? load(a + 4 * i, rest) : a0;
            FloatVector y = bStep == 1 ? load(b + 4 * i, rest) : b0;
            FloatVector z = cStep == 1 ? load(c + 4 * i, rest) : c0;
            store(FUNCTION.apply(x, y, z), out + 4 * i, rest);
        }
    }
}
