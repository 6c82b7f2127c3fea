package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.ALL;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.ORDER;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * The momentum step, with and without Nesterov's look-ahead. Two loops rather than a choice in one: a vector that is one of two things is boxed, and so were some
 * hundred kilobytes at every step.
 */
final class Momentum {
    private Momentum() {}

    static void plain(long w, long g, long v, long n, float rate, float momentum, float decay) {
        FloatVector d = FloatVector.broadcast(F, decay);
        FloatVector m = FloatVector.broadcast(F, momentum);
        FloatVector r = FloatVector.broadcast(F, -rate);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector p = FloatVector.fromMemorySegment(F, ALL, w + 4 * i, ORDER);
            FloatVector slope = p.fma(d, FloatVector.fromMemorySegment(F, ALL, g + 4 * i, ORDER));
            FloatVector speed = FloatVector.fromMemorySegment(F, ALL, v + 4 * i, ORDER).fma(m, slope);
            speed.intoMemorySegment(ALL, v + 4 * i, ORDER);
            speed.fma(r, p).intoMemorySegment(ALL, w + 4 * i, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector p = FloatVector.fromMemorySegment(F, ALL, w + 4 * i, ORDER, rest);
            FloatVector slope = p.fma(d, FloatVector.fromMemorySegment(F, ALL, g + 4 * i, ORDER, rest));
            FloatVector speed = FloatVector.fromMemorySegment(F, ALL, v + 4 * i, ORDER, rest).fma(m, slope);
            speed.intoMemorySegment(ALL, v + 4 * i, ORDER, rest);
            speed.fma(r, p).intoMemorySegment(ALL, w + 4 * i, ORDER, rest);
        }
    }

    static void nesterov(long w, long g, long v, long n, float rate, float momentum, float decay) {
        FloatVector d = FloatVector.broadcast(F, decay);
        FloatVector m = FloatVector.broadcast(F, momentum);
        FloatVector r = FloatVector.broadcast(F, -rate);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector p = FloatVector.fromMemorySegment(F, ALL, w + 4 * i, ORDER);
            FloatVector slope = p.fma(d, FloatVector.fromMemorySegment(F, ALL, g + 4 * i, ORDER));
            FloatVector speed = FloatVector.fromMemorySegment(F, ALL, v + 4 * i, ORDER).fma(m, slope);
            speed.intoMemorySegment(ALL, v + 4 * i, ORDER);
            speed.fma(m, slope).fma(r, p).intoMemorySegment(ALL, w + 4 * i, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector p = FloatVector.fromMemorySegment(F, ALL, w + 4 * i, ORDER, rest);
            FloatVector slope = p.fma(d, FloatVector.fromMemorySegment(F, ALL, g + 4 * i, ORDER, rest));
            FloatVector speed = FloatVector.fromMemorySegment(F, ALL, v + 4 * i, ORDER, rest).fma(m, slope);
            speed.intoMemorySegment(ALL, v + 4 * i, ORDER, rest);
            speed.fma(m, slope).fma(r, p).intoMemorySegment(ALL, w + 4 * i, ORDER, rest);
        }
    }
}
