package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.BYTES;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.load;
import static dev.jacquard.cpu.simd.Species.store;

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
            FloatVector x = load(a);
            store(x.max(0f), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = load(a, rest);
            store(x.max(0f), out, rest);
        }
    }

    private static void sigmoid(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = load(a);
            store(VectorMath.sigmoid(x), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = load(a, rest);
            store(VectorMath.sigmoid(x), out, rest);
        }
    }

    private static void silu(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = load(a);
            store(x.mul(VectorMath.sigmoid(x)), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = load(a, rest);
            store(x.mul(VectorMath.sigmoid(x)), out, rest);
        }
    }

    private static void exp(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = load(a);
            store(VectorMath.exp(x), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = load(a, rest);
            store(VectorMath.exp(x), out, rest);
        }
    }

    private static void log(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = load(a);
            store(VectorMath.log(x), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = load(a, rest);
            store(VectorMath.log(x), out, rest);
        }
    }

    private static void sqrt(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = load(a);
            store(x.sqrt(), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = load(a, rest);
            store(x.sqrt(), out, rest);
        }
    }

    private static void rsqrt(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = load(a);
            store(FloatVector.broadcast(F, 1f).div(x.sqrt()), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = load(a, rest);
            store(FloatVector.broadcast(F, 1f).div(x.sqrt()), out, rest);
        }
    }

    private static void abs(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = load(a);
            store(x.abs(), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = load(a, rest);
            store(x.abs(), out, rest);
        }
    }

    private static void neg(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = load(a);
            store(x.neg(), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = load(a, rest);
            store(x.neg(), out, rest);
        }
    }

    private static void tanh(long a, long out, long n) {
        long i = 0;
        for (; i + LANES <= n; i += LANES, a += BYTES, out += BYTES) {
            FloatVector x = load(a);
            store(VectorMath.tanh(x), out);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector x = load(a, rest);
            store(VectorMath.tanh(x), out, rest);
        }
    }
}
