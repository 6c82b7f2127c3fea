package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.BYTES;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.load;
import static dev.jacquard.cpu.simd.Species.splat;
import static dev.jacquard.cpu.simd.Species.store;

import dev.jacquard.cpu.Binary;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** Loops of two operands, either of which may be one repeated number (step 0). One loop per function, as in {@link UnaryLoops}. */
final class BinaryLoops {
    private BinaryLoops() {}

    static void run(Binary op, long a, int aStep, long b, int bStep, long out, long n) {
        switch (op) {
            case ADD -> add(a, aStep, b, bStep, out, n);
            case SUB -> sub(a, aStep, b, bStep, out, n);
            case MUL -> mul(a, aStep, b, bStep, out, n);
            case DIV -> div(a, aStep, b, bStep, out, n);
            case MAX -> max(a, aStep, b, bStep, out, n);
            case MIN -> min(a, aStep, b, bStep, out, n);
            case RELU_BACKWARD -> reluBackward(a, aStep, b, bStep, out, n);
            case SILU_BACKWARD -> siluBackward(a, aStep, b, bStep, out, n);
        }
    }

    private static void add(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector x = aStep == 0 && n > 0 ? splat(a) : FloatVector.zero(F);
        FloatVector y = bStep == 0 && n > 0 ? splat(b) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            x = aStep == 0 ? x : load(a + 4 * i);
            y = bStep == 0 ? y : load(b + 4 * i);
            store(x.add(y), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            x = aStep == 0 ? x : load(a + 4 * i, rest);
            y = bStep == 0 ? y : load(b + 4 * i, rest);
            store(x.add(y), out, rest);
        }
    }

    private static void sub(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector x = aStep == 0 && n > 0 ? splat(a) : FloatVector.zero(F);
        FloatVector y = bStep == 0 && n > 0 ? splat(b) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            x = aStep == 0 ? x : load(a + 4 * i);
            y = bStep == 0 ? y : load(b + 4 * i);
            store(x.sub(y), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            x = aStep == 0 ? x : load(a + 4 * i, rest);
            y = bStep == 0 ? y : load(b + 4 * i, rest);
            store(x.sub(y), out, rest);
        }
    }

    private static void mul(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector x = aStep == 0 && n > 0 ? splat(a) : FloatVector.zero(F);
        FloatVector y = bStep == 0 && n > 0 ? splat(b) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            x = aStep == 0 ? x : load(a + 4 * i);
            y = bStep == 0 ? y : load(b + 4 * i);
            store(x.mul(y), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            x = aStep == 0 ? x : load(a + 4 * i, rest);
            y = bStep == 0 ? y : load(b + 4 * i, rest);
            store(x.mul(y), out, rest);
        }
    }

    private static void div(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector x = aStep == 0 && n > 0 ? splat(a) : FloatVector.zero(F);
        FloatVector y = bStep == 0 && n > 0 ? splat(b) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            x = aStep == 0 ? x : load(a + 4 * i);
            y = bStep == 0 ? y : load(b + 4 * i);
            store(x.div(y), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            x = aStep == 0 ? x : load(a + 4 * i, rest);
            y = bStep == 0 ? y : load(b + 4 * i, rest);
            store(x.div(y), out, rest);
        }
    }

    private static void max(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector x = aStep == 0 && n > 0 ? splat(a) : FloatVector.zero(F);
        FloatVector y = bStep == 0 && n > 0 ? splat(b) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            x = aStep == 0 ? x : load(a + 4 * i);
            y = bStep == 0 ? y : load(b + 4 * i);
            store(x.max(y), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            x = aStep == 0 ? x : load(a + 4 * i, rest);
            y = bStep == 0 ? y : load(b + 4 * i, rest);
            store(x.max(y), out, rest);
        }
    }

    private static void min(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector x = aStep == 0 && n > 0 ? splat(a) : FloatVector.zero(F);
        FloatVector y = bStep == 0 && n > 0 ? splat(b) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            x = aStep == 0 ? x : load(a + 4 * i);
            y = bStep == 0 ? y : load(b + 4 * i);
            store(x.min(y), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            x = aStep == 0 ? x : load(a + 4 * i, rest);
            y = bStep == 0 ? y : load(b + 4 * i, rest);
            store(x.min(y), out, rest);
        }
    }

    private static void reluBackward(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector x = aStep == 0 && n > 0 ? splat(a) : FloatVector.zero(F);
        FloatVector y = bStep == 0 && n > 0 ? splat(b) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            x = aStep == 0 ? x : load(a + 4 * i);
            y = bStep == 0 ? y : load(b + 4 * i);
            store(x.blend(0f, y.compare(VectorOperators.LE, 0f)), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            x = aStep == 0 ? x : load(a + 4 * i, rest);
            y = bStep == 0 ? y : load(b + 4 * i, rest);
            store(x.blend(0f, y.compare(VectorOperators.LE, 0f)), out, rest);
        }
    }

    private static void siluBackward(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector x = aStep == 0 && n > 0 ? splat(a) : FloatVector.zero(F);
        FloatVector y = bStep == 0 && n > 0 ? splat(b) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            x = aStep == 0 ? x : load(a + 4 * i);
            y = bStep == 0 ? y : load(b + 4 * i);
            store(x.mul(VectorMath.siluSlope(y)), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            x = aStep == 0 ? x : load(a + 4 * i, rest);
            y = bStep == 0 ? y : load(b + 4 * i, rest);
            store(x.mul(VectorMath.siluSlope(y)), out, rest);
        }
    }
}
