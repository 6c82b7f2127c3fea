package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.ALL;
import static dev.jacquard.cpu.simd.Species.BYTES;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.ORDER;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Loops over (rows, channels): sums down the rows, and per-channel affine maps along them. Sums keep four vectors of
 * channels at a time, since the latency of one addition chain would otherwise set the pace.
 *
 * <p>A sum is always the argument of add, never its receiver: the class of a fresh vector is known to the compiler, that of
 * a loop-carried one is known only by profile, and when the profile fails every iteration makes a heap object.
 */
final class Channels {
    private Channels() {}

    /** A mask for the vector of channels at c, all ones but at the end. */
    private static VectorMask<Float> mask(int c, int channels) {
        return F.indexInRange(c, channels);
    }

    static void sums(int rows, int channels, long x, long row, long out) {
        int c = 0;
        for (; c + 4 * LANES <= channels; c += 4 * LANES) {
            sums4(rows, x + 4L * c, row, out + 4L * c);
        }
        for (; c < channels; c += LANES) {
            VectorMask<Float> m = mask(c, channels);
            FloatVector s = FloatVector.zero(F);
            for (long i = 0, a = x + 4L * c; i < rows; i++, a += row) {
                s = FloatVector.fromMemorySegment(F, ALL, a, ORDER, m).add(s);
            }
            s.intoMemorySegment(ALL, out + 4L * c, ORDER, m);
        }
    }

    private static void sums4(int rows, long x, long row, long out) {
        FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0;
        for (int i = 0; i < rows; i++, x += row) {
            s0 = FloatVector.fromMemorySegment(F, ALL, x, ORDER).add(s0);
            s1 = FloatVector.fromMemorySegment(F, ALL, x + BYTES, ORDER).add(s1);
            s2 = FloatVector.fromMemorySegment(F, ALL, x + 2L * BYTES, ORDER).add(s2);
            s3 = FloatVector.fromMemorySegment(F, ALL, x + 3L * BYTES, ORDER).add(s3);
        }
        s0.intoMemorySegment(ALL, out, ORDER);
        s1.intoMemorySegment(ALL, out + BYTES, ORDER);
        s2.intoMemorySegment(ALL, out + 2L * BYTES, ORDER);
        s3.intoMemorySegment(ALL, out + 3L * BYTES, ORDER);
    }

    static void moments(int rows, int channels, long x, long row, long center, long sum, long squares) {
        int c = 0;
        for (; c + 4 * LANES <= channels; c += 4 * LANES) {
            moments4(rows, x + 4L * c, row, center + 4L * c, sum + 4L * c, squares + 4L * c);
        }
        for (; c < channels; c += LANES) {
            VectorMask<Float> m = mask(c, channels);
            FloatVector s = FloatVector.zero(F), q = s, u = FloatVector.fromMemorySegment(F, ALL, center + 4L * c, ORDER, m);
            for (long i = 0, a = x + 4L * c; i < rows; i++, a += row) {
                FloatVector d = FloatVector.fromMemorySegment(F, ALL, a, ORDER, m).sub(u);
                s = d.add(s);
                q = d.fma(d, q);
            }
            s.intoMemorySegment(ALL, sum + 4L * c, ORDER, m);
            q.intoMemorySegment(ALL, squares + 4L * c, ORDER, m);
        }
    }

    private static void moments4(int rows, long x, long row, long center, long sum, long squares) {
        FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0, q0 = s0, q1 = s0, q2 = s0, q3 = s0;
        FloatVector u0 = FloatVector.fromMemorySegment(F, ALL, center, ORDER), u1 = FloatVector.fromMemorySegment(F, ALL, center + BYTES, ORDER),
                u2 = FloatVector.fromMemorySegment(F, ALL, center + 2L * BYTES, ORDER), u3 = FloatVector.fromMemorySegment(F, ALL, center + 3L * BYTES, ORDER);
        for (int i = 0; i < rows; i++, x += row) {
            FloatVector d0 = FloatVector.fromMemorySegment(F, ALL, x, ORDER).sub(u0), d1 = FloatVector.fromMemorySegment(F, ALL, x + BYTES, ORDER).sub(u1),
                    d2 = FloatVector.fromMemorySegment(F, ALL, x + 2L * BYTES, ORDER).sub(u2), d3 = FloatVector.fromMemorySegment(F, ALL, x + 3L * BYTES, ORDER).sub(u3);
            s0 = d0.add(s0);
            s1 = d1.add(s1);
            s2 = d2.add(s2);
            s3 = d3.add(s3);
            q0 = d0.fma(d0, q0);
            q1 = d1.fma(d1, q1);
            q2 = d2.fma(d2, q2);
            q3 = d3.fma(d3, q3);
        }
        s0.intoMemorySegment(ALL, sum, ORDER);
        s1.intoMemorySegment(ALL, sum + BYTES, ORDER);
        s2.intoMemorySegment(ALL, sum + 2L * BYTES, ORDER);
        s3.intoMemorySegment(ALL, sum + 3L * BYTES, ORDER);
        q0.intoMemorySegment(ALL, squares, ORDER);
        q1.intoMemorySegment(ALL, squares + BYTES, ORDER);
        q2.intoMemorySegment(ALL, squares + 2L * BYTES, ORDER);
        q3.intoMemorySegment(ALL, squares + 3L * BYTES, ORDER);
    }

    static void dots(int rows, int channels, long dy, long dyRow, long x, long xRow, long mean, long sum, long dot) {
        int c = 0;
        for (; c + 2 * LANES <= channels; c += 2 * LANES) {
            dots2(rows, dy + 4L * c, dyRow, x + 4L * c, xRow, mean + 4L * c, sum + 4L * c, dot + 4L * c);
        }
        for (; c < channels; c += LANES) {
            VectorMask<Float> m = mask(c, channels);
            FloatVector s = FloatVector.zero(F), t = s, u = FloatVector.fromMemorySegment(F, ALL, mean + 4L * c, ORDER, m);
            for (int i = 0; i < rows; i++) {
                FloatVector g = FloatVector.fromMemorySegment(F, ALL, dy + i * dyRow + 4L * c, ORDER, m);
                s = g.add(s);
                t = g.fma(FloatVector.fromMemorySegment(F, ALL, x + i * xRow + 4L * c, ORDER, m).sub(u), t);
            }
            s.intoMemorySegment(ALL, sum + 4L * c, ORDER, m);
            t.intoMemorySegment(ALL, dot + 4L * c, ORDER, m);
        }
    }

    private static void dots2(int rows, long dy, long dyRow, long x, long xRow, long mean, long sum, long dot) {
        FloatVector s0 = FloatVector.zero(F), s1 = s0, t0 = s0, t1 = s0, u0 = FloatVector.fromMemorySegment(F, ALL, mean, ORDER),
                u1 = FloatVector.fromMemorySegment(F, ALL, mean + BYTES, ORDER);
        for (int i = 0; i < rows; i++, dy += dyRow, x += xRow) {
            FloatVector g0 = FloatVector.fromMemorySegment(F, ALL, dy, ORDER), g1 = FloatVector.fromMemorySegment(F, ALL, dy + BYTES, ORDER);
            s0 = g0.add(s0);
            s1 = g1.add(s1);
            t0 = g0.fma(FloatVector.fromMemorySegment(F, ALL, x, ORDER).sub(u0), t0);
            t1 = g1.fma(FloatVector.fromMemorySegment(F, ALL, x + BYTES, ORDER).sub(u1), t1);
        }
        s0.intoMemorySegment(ALL, sum, ORDER);
        s1.intoMemorySegment(ALL, sum + BYTES, ORDER);
        t0.intoMemorySegment(ALL, dot, ORDER);
        t1.intoMemorySegment(ALL, dot + BYTES, ORDER);
    }

    /** acc[c] += sum over rows of a * b. */
    static void products(int rows, int channels, long a, long aRow, long b, long bRow, long acc) {
        for (int c = 0; c < channels; c += LANES) {
            if (c + LANES <= channels) {
                FloatVector s = FloatVector.fromMemorySegment(F, ALL, acc + 4L * c, ORDER), t = FloatVector.zero(F);
                long p = a + 4L * c, q = b + 4L * c;
                int i = 0;
                for (; i + 2 <= rows; i += 2, p += 2 * aRow, q += 2 * bRow) {
                    s = FloatVector.fromMemorySegment(F, ALL, p, ORDER).fma(FloatVector.fromMemorySegment(F, ALL, q, ORDER), s);
                    t = FloatVector.fromMemorySegment(F, ALL, p + aRow, ORDER).fma(FloatVector.fromMemorySegment(F, ALL, q + bRow, ORDER), t);
                }
                if (i < rows) {
                    s = FloatVector.fromMemorySegment(F, ALL, p, ORDER).fma(FloatVector.fromMemorySegment(F, ALL, q, ORDER), s);
                }
                s.add(t).intoMemorySegment(ALL, acc + 4L * c, ORDER);
            } else {
                VectorMask<Float> m = mask(c, channels);
                FloatVector s = FloatVector.fromMemorySegment(F, ALL, acc + 4L * c, ORDER, m);
                for (int i = 0; i < rows; i++) {
                    s = FloatVector.fromMemorySegment(F, ALL, a + i * aRow + 4L * c, ORDER, m).fma(FloatVector.fromMemorySegment(F, ALL, b + i * bRow + 4L * c, ORDER, m), s);
                }
                s.intoMemorySegment(ALL, acc + 4L * c, ORDER, m);
            }
        }
    }

    static void normalize(int rows, int channels, long x, long mean, long scale, long shift, long y, boolean relu) {
        float floor = relu ? 0f : Float.NEGATIVE_INFINITY;
        int whole = channels / LANES * LANES;
        if (whole < channels) {
            normalizeRest(rows, channels, 4L * whole, x, mean, scale, shift, y, floor);
        }
        for (int i = 0; i < rows; i++, x += 4L * channels, y += 4L * channels) {
            for (long c = 0; c < 4L * whole; c += BYTES) {
                FloatVector.fromMemorySegment(F, ALL, x + c, ORDER).sub(FloatVector.fromMemorySegment(F, ALL, mean + c, ORDER))
                        .fma(FloatVector.fromMemorySegment(F, ALL, scale + c, ORDER), FloatVector.fromMemorySegment(F, ALL, shift + c, ORDER)).max(floor)
                        .intoMemorySegment(ALL, y + c, ORDER);
            }
        }
    }

    /** The channels from byte {@code c} on. A method of its own: a mask that is made where it may not be needed is an object in every call. */
    private static void normalizeRest(int rows, int channels, long c, long x, long mean, long scale, long shift, long y, float floor) {
        VectorMask<Float> rest = mask((int) (c / 4), channels);
        for (int i = 0; i < rows; i++, x += 4L * channels, y += 4L * channels) {
            FloatVector.fromMemorySegment(F, ALL, x + c, ORDER, rest).sub(FloatVector.fromMemorySegment(F, ALL, mean + c, ORDER, rest))
                    .fma(FloatVector.fromMemorySegment(F, ALL, scale + c, ORDER, rest), FloatVector.fromMemorySegment(F, ALL, shift + c, ORDER, rest)).max(floor)
                    .intoMemorySegment(ALL, y + c, ORDER, rest);
        }
    }

    /** dx = a * dy + b * (x - mean) + k, per channel. */
    static void normalizeBackward(int rows, int channels, long dy, long x, long mean, long a, long b, long k, long dx) {
        int whole = channels / LANES * LANES;
        VectorMask<Float> rest = mask(whole, channels);
        for (int i = 0; i < rows; i++, x += 4L * channels, dy += 4L * channels, dx += 4L * channels) {
            for (long c = 0; c < 4L * whole; c += BYTES) {
                FloatVector.fromMemorySegment(F, ALL, x + c, ORDER).sub(FloatVector.fromMemorySegment(F, ALL, mean + c, ORDER))
                        .fma(FloatVector.fromMemorySegment(F, ALL, b + c, ORDER),
                        FloatVector.fromMemorySegment(F, ALL, dy + c, ORDER)
                        .fma(FloatVector.fromMemorySegment(F, ALL, a + c, ORDER), FloatVector.fromMemorySegment(F, ALL, k + c, ORDER))).intoMemorySegment(ALL, dx + c, ORDER);
            }
            if (whole < channels) {
                long c = 4L * whole;
                FloatVector d = FloatVector.fromMemorySegment(F, ALL, x + c, ORDER, rest).sub(FloatVector.fromMemorySegment(F, ALL, mean + c, ORDER, rest));
                d.fma(FloatVector.fromMemorySegment(F, ALL, b + c, ORDER, rest),
                        FloatVector.fromMemorySegment(F, ALL, dy + c, ORDER, rest)
                        .fma(FloatVector.fromMemorySegment(F, ALL, a + c, ORDER, rest), FloatVector.fromMemorySegment(F, ALL, k + c, ORDER, rest)))
                        .intoMemorySegment(ALL, dx + c, ORDER, rest);
            }
        }
    }
}
