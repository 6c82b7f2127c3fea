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
            allTail(a + 4 * i, b + 4 * i, c + 4 * i, out + 4 * i, n - i);
        }
    }

    private static void allTail(long a, long b, long c, long out, long n) {
        VectorMask<Float> rest = F.indexInRange(0, n);
        store(FUNCTION.apply(load(a, rest), load(b, rest), load(c, rest)), out, rest);
    }

    private static void oneC(long a, long b, long c, long out, long n) {
        FloatVector z = splat(c);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            store(FUNCTION.apply(load(a + 4 * i), load(b + 4 * i), z), out + 4 * i);
        }
        if (i < n) {
            oneCTail(a + 4 * i, b + 4 * i, c, out + 4 * i, n - i);
        }
    }

    private static void oneCTail(long a, long b, long c, long out, long n) {
        VectorMask<Float> rest = F.indexInRange(0, n);
        store(FUNCTION.apply(load(a, rest), load(b, rest), splat(c)), out, rest);
    }

    private static void oneB(long a, long b, long c, long out, long n) {
        FloatVector y = splat(b);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            store(FUNCTION.apply(load(a + 4 * i), y, load(c + 4 * i)), out + 4 * i);
        }
        if (i < n) {
            oneBTail(a + 4 * i, b, c + 4 * i, out + 4 * i, n - i);
        }
    }

    private static void oneBTail(long a, long b, long c, long out, long n) {
        VectorMask<Float> rest = F.indexInRange(0, n);
        store(FUNCTION.apply(load(a, rest), splat(b), load(c, rest)), out, rest);
    }

    private static void oneBoth(long a, long b, long c, long out, long n) {
        FloatVector y = splat(b);
        FloatVector z = splat(c);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            store(FUNCTION.apply(load(a + 4 * i), y, z), out + 4 * i);
        }
        if (i < n) {
            oneBothTail(a + 4 * i, b, c, out + 4 * i, n - i);
        }
    }

    private static void oneBothTail(long a, long b, long c, long out, long n) {
        VectorMask<Float> rest = F.indexInRange(0, n);
        store(FUNCTION.apply(load(a, rest), splat(b), splat(c)), out, rest);
    }

    /** The first operand is one number: rare, and so masked throughout; again a loop for each case. */
    private static void repeated(long a, long b, long bStep, long c, long cStep, long out, long n) {
        if (bStep == 1 && cStep == 1) {
            repeatedA(a, b, c, out, n);
        } else if (bStep == 1) {
            repeatedAC(a, b, c, out, n);
        } else if (cStep == 1) {
            repeatedAB(a, b, c, out, n);
        } else {
            repeatedAll(a, b, c, out, n);
        }
    }

    private static void repeatedA(long a, long b, long c, long out, long n) {
        FloatVector x = splat(a);
        for (long i = 0; i < n; i += LANES) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            store(FUNCTION.apply(x, load(b + 4 * i, rest), load(c + 4 * i, rest)), out + 4 * i, rest);
        }
    }

    private static void repeatedAC(long a, long b, long c, long out, long n) {
        FloatVector x = splat(a);
        FloatVector z = splat(c);
        for (long i = 0; i < n; i += LANES) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            store(FUNCTION.apply(x, load(b + 4 * i, rest), z), out + 4 * i, rest);
        }
    }

    private static void repeatedAB(long a, long b, long c, long out, long n) {
        FloatVector x = splat(a);
        FloatVector y = splat(b);
        for (long i = 0; i < n; i += LANES) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            store(FUNCTION.apply(x, y, load(c + 4 * i, rest)), out + 4 * i, rest);
        }
    }

    private static void repeatedAll(long a, long b, long c, long out, long n) {
        FloatVector x = splat(a);
        FloatVector y = splat(b);
        FloatVector z = splat(c);
        for (long i = 0; i < n; i += LANES) {
            store(FUNCTION.apply(x, y, z), out + 4 * i, F.indexInRange(i, n));
        }
    }
}
