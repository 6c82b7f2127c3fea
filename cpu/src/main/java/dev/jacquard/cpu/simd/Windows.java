package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.ALL;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.I;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.load;
import static dev.jacquard.cpu.simd.Species.loadInts;
import static dev.jacquard.cpu.simd.Species.store;

import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** One output pixel, all channels, from the pixels that a table of taps names; the table's layout is in {@code Simd}. */
final class Windows {
    private Windows() {}

    private static long word(long address) {
        return ALL.get(ValueLayout.JAVA_LONG_UNALIGNED, address);
    }

    static void products(int taps, long table, int channels, long out) {
        int c = 0;
        for (; c + 2 * LANES <= channels; c += 2 * LANES) {
            FloatVector s = FloatVector.zero(F), t = s;
            long at = 4L * c, next = at + Species.BYTES;
            for (long e = table, end = table + 24L * taps; e < end; e += 24) {
                long a = word(e), b = word(e + 8);
                s = load(a + at).fma(load(b + at), s);
                t = load(a + next).fma(load(b + next), t);
            }
            store(s, out + at);
            store(t, out + next);
        }
        for (; c < channels; c += LANES) {
            VectorMask<Float> m = F.indexInRange(c, channels);
            FloatVector s = FloatVector.zero(F);
            for (long e = table, end = table + 24L * taps; e < end; e += 24) {
                s = load(word(e) + 4L * c, m).fma(load(word(e + 8) + 4L * c, m), s);
            }
            store(s, out + 4L * c, m);
        }
    }

    static void weightedSum(int taps, long table, int channels, long out) {
        for (int c = 0; c < channels; c += LANES) {
            VectorMask<Float> m = F.indexInRange(c, channels);
            FloatVector s = FloatVector.zero(F);
            for (long e = table, end = table + 24L * taps; e < end; e += 24) {
                s = load(word(e) + 4L * c, m).fma(Species.splat(e + 16), s);
            }
            store(s, out + 4L * c, m);
        }
    }

    static void max(int taps, long table, int channels, long out, long index) {
        for (int c = 0; c < channels; c += LANES) {
            VectorMask<Float> m = F.indexInRange(c, channels);
            FloatVector best = load(word(table) + 4L * c, m);
            IntVector tap = IntVector.broadcast(I, (int) word(table + 16));
            for (long e = table + 24, end = table + 24L * taps; e < end; e += 24) {
                FloatVector v = load(word(e) + 4L * c, m);
                // Not (v <= best) is true for NaN as well; a NaN already held is not replaced.
                VectorMask<Float> better = v.compare(VectorOperators.LE, best).not().and(best.compare(VectorOperators.EQ, best));
                best = best.blend(v, better);
                tap = tap.blend((int) word(e + 16), better.cast(I));
            }
            store(best, out + 4L * c, m);
            store(tap, index + 4L * c, m.cast(I));
        }
    }

    static void route(int taps, long table, int channels, long out) {
        for (int c = 0; c < channels; c += LANES) {
            VectorMask<Float> m = F.indexInRange(c, channels);
            FloatVector s = FloatVector.zero(F);
            for (long e = table, end = table + 24L * taps; e < end; e += 24) {
                VectorMask<Float> chosen = loadInts(word(e + 8) + 4L * c, m.cast(I)).compare(VectorOperators.EQ, (int) word(e + 16)).cast(F);
                s = s.add(load(word(e) + 4L * c, m), chosen);
            }
            store(s, out + 4L * c, m);
        }
    }
}
