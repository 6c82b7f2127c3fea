package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.load;
import static dev.jacquard.cpu.simd.Species.splat;
import static dev.jacquard.cpu.simd.Species.store;

import dev.jacquard.cpu.PointwiseLoop;
import dev.jacquard.tensor.op.Pointwise;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** {@code x * scale + shift}: the one op with constants of its own, which one loop takes as arguments. */
final class AffineLoop {
    private AffineLoop() {}

    static PointwiseLoop of(Pointwise.Affine op) {
        float scale = (float) op.scale();
        float shift = (float) op.shift();
        return (a, aStep, _, _, _, _, out, n) -> run(scale, shift, a, aStep, out, n);
    }

    private static void run(float scale, float shift, long a, long aStep, long out, long n) {
        if (aStep == 1) {
            each(scale, shift, a, out, n);
        } else {
            one(scale, shift, a, out, n);
        }
    }

    private static void each(float scale, float shift, long a, long out, long n) {
        FloatVector s = FloatVector.broadcast(F, scale);
        FloatVector t = FloatVector.broadcast(F, shift);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            store(load(a + 4 * i).fma(s, t), out + 4 * i);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            store(load(a + 4 * i, rest).fma(s, t), out + 4 * i, rest);
        }
    }

    private static void one(float scale, float shift, long a, long out, long n) {
        FloatVector y = splat(a).fma(FloatVector.broadcast(F, scale), FloatVector.broadcast(F, shift));
        for (long i = 0; i < n; i += LANES) {
            store(y, out + 4 * i, F.indexInRange(i, n));
        }
    }
}
