package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.ALL;
import static dev.jacquard.cpu.simd.Species.BYTES;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.FLOAT;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.ORDER;

import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * One output pixel, all channels, from the pixels that a table of taps names; the table's layout is in {@code Simd}.
 * Tap numbers are handled as the floats of their bits: equal numbers are equal floats (denormals), and no lane type changes.
 * Loop-carried vectors are arguments, not receivers, for the reason given in {@link Channels}.
 */
final class Windows {
    private static final int ENTRY = 24;

    private Windows() {}

    private static long word(long address) {
        return ALL.get(ValueLayout.JAVA_LONG_UNALIGNED, address);
    }

    static void products(int taps, long table, long shift, int channels, long out) {
        int c = 0;
        for (; c + 4 * LANES <= channels; c += 4 * LANES) {
            products4(taps, table, shift + 4L * c, 4L * c, out + 4L * c);
        }
        for (; c + LANES <= channels; c += LANES) {
            FloatVector s = FloatVector.zero(F);
            long e = table;
            for (int t = 0; t < taps; t++, e += ENTRY) {
                s = FloatVector.fromMemorySegment(F, ALL, word(e) + shift + 4L * c, ORDER).fma(FloatVector.fromMemorySegment(F, ALL, word(e + 8) + 4L * c, ORDER), s);
            }
            s.intoMemorySegment(ALL, out + 4L * c, ORDER);
        }
        if (c < channels) {
            VectorMask<Float> m = F.indexInRange(c, channels);
            FloatVector s = FloatVector.zero(F);
            long e = table;
            for (int t = 0; t < taps; t++, e += ENTRY) {
                s = FloatVector.fromMemorySegment(F, ALL, word(e) + shift + 4L * c, ORDER, m).fma(FloatVector.fromMemorySegment(F, ALL, word(e + 8) + 4L * c, ORDER, m), s);
            }
            s.intoMemorySegment(ALL, out + 4L * c, ORDER, m);
        }
    }

    private static void products4(int taps, long e, long shift, long at, long out) {
        FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0;
        for (int t = 0; t < taps; t++, e += ENTRY) {
            long a = word(e) + shift, b = word(e + 8) + at;
            s0 = FloatVector.fromMemorySegment(F, ALL, a, ORDER).fma(FloatVector.fromMemorySegment(F, ALL, b, ORDER), s0);
            s1 = FloatVector.fromMemorySegment(F, ALL, a + BYTES, ORDER).fma(FloatVector.fromMemorySegment(F, ALL, b + BYTES, ORDER), s1);
            s2 = FloatVector.fromMemorySegment(F, ALL, a + 2L * BYTES, ORDER).fma(FloatVector.fromMemorySegment(F, ALL, b + 2L * BYTES, ORDER), s2);
            s3 = FloatVector.fromMemorySegment(F, ALL, a + 3L * BYTES, ORDER).fma(FloatVector.fromMemorySegment(F, ALL, b + 3L * BYTES, ORDER), s3);
        }
        s0.intoMemorySegment(ALL, out, ORDER);
        s1.intoMemorySegment(ALL, out + BYTES, ORDER);
        s2.intoMemorySegment(ALL, out + 2L * BYTES, ORDER);
        s3.intoMemorySegment(ALL, out + 3L * BYTES, ORDER);
    }

    static void weightedSum(int taps, long table, long shift, int channels, long out) {
        int c = 0;
        for (; c + LANES <= channels; c += LANES) {
            FloatVector s = FloatVector.zero(F);
            long e = table;
            for (int t = 0; t < taps; t++, e += ENTRY) {
                s = FloatVector.fromMemorySegment(F, ALL, word(e) + shift + 4L * c, ORDER).fma(FloatVector.broadcast(F, ALL.get(FLOAT, e + 16)), s);
            }
            s.intoMemorySegment(ALL, out + 4L * c, ORDER);
        }
        if (c < channels) {
            VectorMask<Float> m = F.indexInRange(c, channels);
            FloatVector s = FloatVector.zero(F);
            long e = table;
            for (int t = 0; t < taps; t++, e += ENTRY) {
                s = FloatVector.fromMemorySegment(F, ALL, word(e) + shift + 4L * c, ORDER, m).fma(FloatVector.broadcast(F, ALL.get(FLOAT, e + 16)), s);
            }
            s.intoMemorySegment(ALL, out + 4L * c, ORDER, m);
        }
    }

    static void max(int taps, long table, long shift, int channels, long out, long index) {
        int c = 0;
        for (; c + LANES <= channels; c += LANES) {
            FloatVector best = FloatVector.fromMemorySegment(F, ALL, word(table) + shift + 4L * c, ORDER);
            FloatVector tap = FloatVector.broadcast(F, ALL.get(FLOAT, table + 16));
            long e = table + ENTRY;
            for (int t = 1; t < taps; t++, e += ENTRY) {
                FloatVector v = FloatVector.fromMemorySegment(F, ALL, word(e) + shift + 4L * c, ORDER);
                // Not (v <= best) is true for NaN as well; a NaN already held is not replaced.
                FloatVector held = FloatVector.zero(F).add(best);
                VectorMask<Float> better = v.compare(VectorOperators.LE, best).not().and(held.compare(VectorOperators.EQ, held));
                best = v.blend(best, better.not());
                tap = FloatVector.broadcast(F, ALL.get(FLOAT, e + 16)).blend(tap, better.not());
            }
            best.intoMemorySegment(ALL, out + 4L * c, ORDER);
            tap.intoMemorySegment(ALL, index + 4L * c, ORDER);
        }
        if (c < channels) {
            VectorMask<Float> m = F.indexInRange(c, channels);
            FloatVector best = FloatVector.fromMemorySegment(F, ALL, word(table) + shift + 4L * c, ORDER, m);
            FloatVector tap = FloatVector.broadcast(F, ALL.get(FLOAT, table + 16));
            long e = table + ENTRY;
            for (int t = 1; t < taps; t++, e += ENTRY) {
                FloatVector v = FloatVector.fromMemorySegment(F, ALL, word(e) + shift + 4L * c, ORDER, m);
                // Not (v <= best) is true for NaN as well; a NaN already held is not replaced.
                FloatVector held = FloatVector.zero(F).add(best);
                VectorMask<Float> better = v.compare(VectorOperators.LE, best).not().and(held.compare(VectorOperators.EQ, held));
                best = v.blend(best, better.not());
                tap = FloatVector.broadcast(F, ALL.get(FLOAT, e + 16)).blend(tap, better.not());
            }
            best.intoMemorySegment(ALL, out + 4L * c, ORDER, m);
            tap.intoMemorySegment(ALL, index + 4L * c, ORDER, m);
        }
    }

    static void route(int taps, long table, long shift, int channels, long out) {
        int c = 0;
        for (; c + LANES <= channels; c += LANES) {
            FloatVector s = FloatVector.zero(F);
            long e = table;
            for (int t = 0; t < taps; t++, e += ENTRY) {
                VectorMask<Float> other = FloatVector.fromMemorySegment(F, ALL, word(e + 8) + shift + 4L * c, ORDER)
                        .compare(VectorOperators.NE, FloatVector.broadcast(F, ALL.get(FLOAT, e + 16)));
                s = FloatVector.fromMemorySegment(F, ALL, word(e) + shift + 4L * c, ORDER).blend(0f, other).add(s);
            }
            s.intoMemorySegment(ALL, out + 4L * c, ORDER);
        }
        if (c < channels) {
            VectorMask<Float> m = F.indexInRange(c, channels);
            FloatVector s = FloatVector.zero(F);
            long e = table;
            for (int t = 0; t < taps; t++, e += ENTRY) {
                VectorMask<Float> other = FloatVector.fromMemorySegment(F, ALL, word(e + 8) + shift + 4L * c, ORDER, m)
                        .compare(VectorOperators.NE, FloatVector.broadcast(F, ALL.get(FLOAT, e + 16)));
                s = FloatVector.fromMemorySegment(F, ALL, word(e) + shift + 4L * c, ORDER, m).blend(0f, other).add(s);
            }
            s.intoMemorySegment(ALL, out + 4L * c, ORDER, m);
        }
    }
}
