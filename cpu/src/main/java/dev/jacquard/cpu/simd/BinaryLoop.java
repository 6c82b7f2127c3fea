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
        // A loop for each case rather than one with choices in it: a vector that is one of two things is boxed.
        if (aStep == 1 && bStep == 1) {
            both(a, b, out, n);
        } else if (aStep == 1) {
            oneB(a, b, out, n);
        } else if (bStep == 1) {
            oneA(a, b, out, n);
        } else {
            one(a, b, out, n);
        }
    }

    private static void both(long a, long b, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            store(FUNCTION.apply(load(a + 4 * i), load(b + 4 * i)), out + 4 * i);
        }
        if (i < n) {
            bothTail(a + 4 * i, b + 4 * i, out + 4 * i, n - i);
        }
    }

    private static void bothTail(long a, long b, long out, long n) {
        VectorMask<Float> rest = F.indexInRange(0, n);
        store(FUNCTION.apply(load(a, rest), load(b, rest)), out, rest);
    }

    private static void oneB(long a, long b, long out, long n) {
        FloatVector y = splat(b);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            store(FUNCTION.apply(load(a + 4 * i), y), out + 4 * i);
        }
        if (i < n) {
            oneBTail(a + 4 * i, b, out + 4 * i, n - i);
        }
    }

    private static void oneBTail(long a, long b, long out, long n) {
        VectorMask<Float> rest = F.indexInRange(0, n);
        store(FUNCTION.apply(load(a, rest), splat(b)), out, rest);
    }

    private static void oneA(long a, long b, long out, long n) {
        FloatVector x = splat(a);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            store(FUNCTION.apply(x, load(b + 4 * i)), out + 4 * i);
        }
        if (i < n) {
            oneATail(a, b + 4 * i, out + 4 * i, n - i);
        }
    }

    private static void oneATail(long a, long b, long out, long n) {
        VectorMask<Float> rest = F.indexInRange(0, n);
        store(FUNCTION.apply(splat(a), load(b, rest)), out, rest);
    }

    private static void one(long a, long b, long out, long n) {
        FloatVector x = splat(a);
        FloatVector y = splat(b);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            store(FUNCTION.apply(x, y), out + 4 * i);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            store(FUNCTION.apply(x, y), out + 4 * i, rest);
        }
    }
}
