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

/** The loop of two operands, copied per op by {@link PointwiseTable}. */
final class BinaryLoop implements PointwiseLoop {
    private static final PointwiseTable.Two FUNCTION = PointwiseTable.function(MethodHandles.lookup(), PointwiseTable.Two.class);

    @Override
    public void run(long a, long aStep, long b, long bStep, long c, long cStep, long out, long n) {
        if (n == 0) {
            return;
        }
        // Three loops rather than one with choices in it: the choice would be made for every vector.
        if (aStep == 1 && bStep == 1) {
            long i = 0;
            for (; i + LANES <= n; i += LANES) {
                store(FUNCTION.apply(load(a + 4 * i), load(b + 4 * i)), out + 4 * i);
            }
            if (i < n) {
                VectorMask<Float> rest = F.indexInRange(i, n);
                store(FUNCTION.apply(load(a + 4 * i, rest), load(b + 4 * i, rest)), out + 4 * i, rest);
            }
        } else if (aStep == 1) {
            FloatVector y = splat(b);
            long i = 0;
            for (; i + LANES <= n; i += LANES) {
                store(FUNCTION.apply(load(a + 4 * i), y), out + 4 * i);
            }
            if (i < n) {
                VectorMask<Float> rest = F.indexInRange(i, n);
                store(FUNCTION.apply(load(a + 4 * i, rest), y), out + 4 * i, rest);
            }
        } else {
            FloatVector x = splat(a);
            for (long i = 0; i < n; i += LANES) {
                VectorMask<Float> rest = F.indexInRange(i, n);
                store(FUNCTION.apply(x, bStep == 1 ? load(b + 4 * i, rest) : splat(b)), out + 4 * i, rest);
            }
        }
    }
}
