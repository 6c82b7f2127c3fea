package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.BYTES;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.load;
import static dev.jacquard.cpu.simd.Species.store;

import dev.jacquard.cpu.PointwiseLoop;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.VectorMask;

/** The loop of one operand, copied per op by {@link PointwiseTable}. */
final class UnaryLoop implements PointwiseLoop {
    private static final PointwiseTable.One FUNCTION = PointwiseTable.function(MethodHandles.lookup(), PointwiseTable.One.class);

    @Override
    public void run(long a, long aStep, long b, long bStep, long c, long cStep, long out, long n) {
        if (aStep == 0) {
            single(a, out, n);
            return;
        }
        long from = a;
        long to = out;
        long i = 0;
        for (; i + LANES <= n; i += LANES, from += BYTES, to += BYTES) {
            store(FUNCTION.apply(load(from)), to);
        }
        if (i < n) {
            tail(from, to, n - i);
        }
    }

    private static void tail(long from, long to, long n) {
        VectorMask<Float> rest = F.indexInRange(0, n);
        store(FUNCTION.apply(load(from, rest)), to, rest);
    }

    private static void single(long a, long out, long n) {
        for (long i = 0; i < n; i += LANES) {
            store(FUNCTION.apply(Species.splat(a)), out + 4 * i, F.indexInRange(i, n));
        }
    }
}
