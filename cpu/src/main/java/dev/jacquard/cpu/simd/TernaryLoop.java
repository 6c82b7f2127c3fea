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

    /** A loop for each way in which the first operand varies: a choice inside of one would box a vector each time. */
    @Override
    public void run(long a, long aStep, long b, long bStep, long c, long cStep, long out, long n) {
        if (n == 0) {
            return;
        }
        if (aStep == 0) {
            repeated(a, b, bStep, c, cStep, out, n);
        } else if (bStep == 1 && cStep == 1) {
            all(a, b, c, out, n);
        } else if (bStep == 1) {
            oneC(a, b, c, out, n);
        } else if (cStep == 1) {
            oneB(a, b, c, out, n);
        } else {
            oneBoth(a, b, c, out, n);
        }
    }

    private static void all(long a, long b, long c, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            store(FUNCTION.apply(load(a + 4 * i), load(b + 4 * i), load(c + 4 * i)), out + 4 * i);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            store(FUNCTION.apply(load(a + 4 * i, rest), load(b + 4 * i, rest), load(c + 4 * i, rest)), out + 4 * i, rest);
        }
    }

    private static void oneC(long a, long b, long c, long out, long n) {
        FloatVector z = splat(c);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            store(FUNCTION.apply(load(a + 4 * i), load(b + 4 * i), z), out + 4 * i);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            store(FUNCTION.apply(load(a + 4 * i, rest), load(b + 4 * i, rest), z), out + 4 * i, rest);
        }
    }

    private static void oneB(long a, long b, long c, long out, long n) {
        FloatVector y = splat(b);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            store(FUNCTION.apply(load(a + 4 * i), y, load(c + 4 * i)), out + 4 * i);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            store(FUNCTION.apply(load(a + 4 * i, rest), y, load(c + 4 * i, rest)), out + 4 * i, rest);
        }
    }

    private static void oneBoth(long a, long b, long c, long out, long n) {
        FloatVector y = splat(b);
        FloatVector z = splat(c);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            store(FUNCTION.apply(load(a + 4 * i), y, z), out + 4 * i);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            store(FUNCTION.apply(load(a + 4 * i, rest), y, z), out + 4 * i, rest);
        }
    }

    /** The first operand is one number: rare, and so not written out for every case. */
    private static void repeated(long a, long b, long bStep, long c, long cStep, long out, long n) {
        FloatVector x = splat(a);
        for (long i = 0; i < n; i += LANES) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector y = bStep == 1 ? load(b + 4 * i, rest) : splat(b);
            FloatVector z = cStep == 1 ? load(c + 4 * i, rest) : splat(c);
            store(FUNCTION.apply(x, y, z), out + 4 * i, rest);
        }
    }
}
