package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.ALL;
import static dev.jacquard.cpu.simd.Species.BYTES;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.ORDER;

import dev.jacquard.cpu.Unary;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** Loops of one operand. One loop per function: a loop shared by several would be compiled for none of them. */
final class UnaryLoops {
    private UnaryLoops() {}

    static void run(Unary op, long a, long out, long n) {
        switch (op) {
            case RELU -> relu(a, out, n);
            case SIGMOID -> sigmoid(a, out, n);
            case SILU -> silu(a, out, n);
            case EXP -> exp(a, out, n);
            case LOG -> log(a, out, n);
            case SQRT -> sqrt(a, out, n);
            case RSQRT -> rsqrt(a, out, n);
            case ABS -> abs(a, out, n);
            case NEG -> neg(a, out, n);
            case TANH -> tanh(a, out, n);
        }
    }

    private static void relu(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER);
            x.max(0f).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER, rest);
            x.max(0f).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void sigmoid(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER);
            VectorMath.sigmoid(x).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER, rest);
            VectorMath.sigmoid(x).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void silu(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER);
            x.mul(VectorMath.sigmoid(x)).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER, rest);
            x.mul(VectorMath.sigmoid(x)).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void exp(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER);
            VectorMath.exp(x).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER, rest);
            VectorMath.exp(x).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void log(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER);
            VectorMath.log(x).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER, rest);
            VectorMath.log(x).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void sqrt(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER);
            x.sqrt().intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER, rest);
            x.sqrt().intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void rsqrt(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER);
            FloatVector.broadcast(F, 1f).div(x.sqrt()).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER, rest);
            FloatVector.broadcast(F, 1f).div(x.sqrt()).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void abs(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER);
            x.abs().intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER, rest);
            x.abs().intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void neg(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER);
            x.neg().intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER, rest);
            x.neg().intoMemorySegment(ALL, out, ORDER, rest);
        }
    }

    private static void tanh(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER);
            VectorMath.tanh(x).intoMemorySegment(ALL, out, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = FloatVector.fromMemorySegment(F, ALL, a, ORDER, rest);
            VectorMath.tanh(x).intoMemorySegment(ALL, out, ORDER, rest);
        }
    }
}
