package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.ALL;
import static dev.jacquard.cpu.simd.Species.BYTES;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.FLOAT;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.ORDER;

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
        FloatVector a0 = aStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, a)) : FloatVector.zero(F);
        FloatVector b0 = bStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, b)) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER);
            x.add(y).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER, rest);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER, rest);
            x.add(y).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void sub(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector a0 = aStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, a)) : FloatVector.zero(F);
        FloatVector b0 = bStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, b)) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER);
            x.sub(y).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER, rest);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER, rest);
            x.sub(y).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void mul(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector a0 = aStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, a)) : FloatVector.zero(F);
        FloatVector b0 = bStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, b)) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER);
            x.mul(y).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER, rest);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER, rest);
            x.mul(y).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void div(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector a0 = aStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, a)) : FloatVector.zero(F);
        FloatVector b0 = bStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, b)) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER);
            x.div(y).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER, rest);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER, rest);
            x.div(y).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void max(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector a0 = aStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, a)) : FloatVector.zero(F);
        FloatVector b0 = bStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, b)) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER);
            x.max(y).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER, rest);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER, rest);
            x.max(y).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void min(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector a0 = aStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, a)) : FloatVector.zero(F);
        FloatVector b0 = bStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, b)) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER);
            x.min(y).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER, rest);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER, rest);
            x.min(y).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void reluBackward(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector a0 = aStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, a)) : FloatVector.zero(F);
        FloatVector b0 = bStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, b)) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER);
            x.blend(0f, y.compare(VectorOperators.LE, 0f)).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER, rest);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER, rest);
            x.blend(0f, y.compare(VectorOperators.LE, 0f)).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void siluBackward(long a, int aStep, long b, int bStep, long out, long n) {
        FloatVector a0 = aStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, a)) : FloatVector.zero(F);
        FloatVector b0 = bStep == 0 && n > 0 ? FloatVector.broadcast(F, ALL.get(FLOAT, b)) : FloatVector.zero(F);
        long i = 0;
        for (; i + LANES <= n; i += LANES, out += BYTES) {
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER);
            x.mul(VectorMath.siluSlope(y)).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = aStep == 0 ? a0 : FloatVector.fromMemorySegment(F, ALL, a + 4 * i, ORDER, rest);
            FloatVector y = bStep == 0 ? b0 : FloatVector.fromMemorySegment(F, ALL, b + 4 * i, ORDER, rest);
            x.mul(VectorMath.siluSlope(y)).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }
}
