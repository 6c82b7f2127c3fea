package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.ALL;
import static dev.jacquard.cpu.simd.Species.BYTES;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.load;
import static dev.jacquard.cpu.simd.Species.splat;
import static dev.jacquard.cpu.simd.Species.store;

import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * One output pixel, all channels, from the pixels that a table of taps names; the table's layout is in {@code Simd}.
 * Tap numbers are handled as the floats of their bits: equal numbers are equal floats (denormals), and no lane type changes.
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
                s = load(word(e) + shift + 4L * c).fma(load(word(e + 8) + 4L * c), s);
            }
            store(s, out + 4L * c);
        }
        if (c < channels) {
            VectorMask<Float> m = F.indexInRange(c, channels);
            FloatVector s = FloatVector.zero(F);
            long e = table;
            for (int t = 0; t < taps; t++, e += ENTRY) {
                s = load(word(e) + shift + 4L * c, m).fma(load(word(e + 8) + 4L * c, m), s);
            }
            store(s, out + 4L * c, m);
        }
    }

    private static void products4(int taps, long e, long shift, long at, long out) {
        FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0;
        for (int t = 0; t < taps; t++, e += ENTRY) {
            long a = word(e) + shift, b = word(e + 8) + at;
            s0 = load(a).fma(load(b), s0);
            s1 = load(a + BYTES).fma(load(b + BYTES), s1);
            s2 = load(a + 2L * BYTES).fma(load(b + 2L * BYTES), s2);
            s3 = load(a + 3L * BYTES).fma(load(b + 3L * BYTES), s3);
        }
        store(s0, out);
        store(s1, out + BYTES);
        store(s2, out + 2L * BYTES);
        store(s3, out + 3L * BYTES);
    }

    static void weightedSum(int taps, long table, long shift, int channels, long out) {
        int c = 0;
        for (; c + LANES <= channels; c += LANES) {
            FloatVector s = FloatVector.zero(F);
            long e = table;
            for (int t = 0; t < taps; t++, e += ENTRY) {
                s = load(word(e) + shift + 4L * c).fma(splat(e + 16), s);
            }
            store(s, out + 4L * c);
        }
        if (c < channels) {
            VectorMask<Float> m = F.indexInRange(c, channels);
            FloatVector s = FloatVector.zero(F);
            long e = table;
            for (int t = 0; t < taps; t++, e += ENTRY) {
                s = load(word(e) + shift + 4L * c, m).fma(splat(e + 16), s);
            }
            store(s, out + 4L * c, m);
        }
    }

    static void max(int taps, long table, long shift, int channels, long out, long index) {
        int c = 0;
        for (; c + LANES <= channels; c += LANES) {
            FloatVector best = load(word(table) + shift + 4L * c);
            FloatVector tap = splat(table + 16);
            long e = table + ENTRY;
            for (int t = 1; t < taps; t++, e += ENTRY) {
                FloatVector v = load(word(e) + shift + 4L * c);
                // Not (v <= best) is true for NaN as well; a NaN already held is not replaced.
                VectorMask<Float> better = v.compare(VectorOperators.LE, best).not().and(best.compare(VectorOperators.EQ, best));
                best = best.blend(v, better);
                tap = tap.blend(splat(e + 16), better);
            }
            store(best, out + 4L * c);
            store(tap, index + 4L * c);
        }
        if (c < channels) {
            VectorMask<Float> m = F.indexInRange(c, channels);
            FloatVector best = load(word(table) + shift + 4L * c, m);
            FloatVector tap = splat(table + 16);
            long e = table + ENTRY;
            for (int t = 1; t < taps; t++, e += ENTRY) {
                FloatVector v = load(word(e) + shift + 4L * c, m);
                // Not (v <= best) is true for NaN as well; a NaN already held is not replaced.
                VectorMask<Float> better = v.compare(VectorOperators.LE, best).not().and(best.compare(VectorOperators.EQ, best));
                best = best.blend(v, better);
                tap = tap.blend(splat(e + 16), better);
            }
            store(best, out + 4L * c, m);
            store(tap, index + 4L * c, m);
        }
    }

    static void route(int taps, long table, long shift, int channels, long out) {
        int c = 0;
        for (; c + LANES <= channels; c += LANES) {
            FloatVector s = FloatVector.zero(F);
            long e = table;
            for (int t = 0; t < taps; t++, e += ENTRY) {
                VectorMask<Float> other = load(word(e + 8) + shift + 4L * c).compare(VectorOperators.NE, splat(e + 16));
                s = s.add(load(word(e) + shift + 4L * c).blend(0f, other));
            }
            store(s, out + 4L * c);
        }
        if (c < channels) {
            VectorMask<Float> m = F.indexInRange(c, channels);
            FloatVector s = FloatVector.zero(F);
            long e = table;
            for (int t = 0; t < taps; t++, e += ENTRY) {
                VectorMask<Float> other = load(word(e + 8) + shift + 4L * c, m).compare(VectorOperators.NE, splat(e + 16));
                s = s.add(load(word(e) + shift + 4L * c, m).blend(0f, other));
            }
            store(s, out + 4L * c, m);
        }
    }
}
