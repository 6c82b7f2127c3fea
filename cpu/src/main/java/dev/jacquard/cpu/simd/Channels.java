package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.BYTES;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.load;
import static dev.jacquard.cpu.simd.Species.store;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Loops over (rows, channels): sums down the rows, and per-channel affine maps along them. Sums keep four vectors of
 * channels at a time, since the latency of one addition chain would otherwise set the pace.
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
                s = s.add(load(a, m));
            }
            store(s, out + 4L * c, m);
        }
    }

    private static void sums4(int rows, long x, long row, long out) {
        FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0;
        for (int i = 0; i < rows; i++, x += row) {
            s0 = s0.add(load(x));
            s1 = s1.add(load(x + BYTES));
            s2 = s2.add(load(x + 2L * BYTES));
            s3 = s3.add(load(x + 3L * BYTES));
        }
        store4(s0, s1, s2, s3, out);
    }

    static void moments(int rows, int channels, long x, long row, long center, long sum, long squares) {
        int c = 0;
        for (; c + 4 * LANES <= channels; c += 4 * LANES) {
            moments4(rows, x + 4L * c, row, center + 4L * c, sum + 4L * c, squares + 4L * c);
        }
        for (; c < channels; c += LANES) {
            VectorMask<Float> m = mask(c, channels);
            FloatVector s = FloatVector.zero(F), q = s, u = load(center + 4L * c, m);
            for (long i = 0, a = x + 4L * c; i < rows; i++, a += row) {
                FloatVector d = load(a, m).sub(u);
                s = s.add(d);
                q = d.fma(d, q);
            }
            store(s, sum + 4L * c, m);
            store(q, squares + 4L * c, m);
        }
    }

    private static void moments4(int rows, long x, long row, long center, long sum, long squares) {
        FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0, q0 = s0, q1 = s0, q2 = s0, q3 = s0;
        FloatVector u0 = load(center), u1 = load(center + BYTES), u2 = load(center + 2L * BYTES), u3 = load(center + 3L * BYTES);
        for (int i = 0; i < rows; i++, x += row) {
            FloatVector d0 = load(x).sub(u0), d1 = load(x + BYTES).sub(u1), d2 = load(x + 2L * BYTES).sub(u2), d3 = load(x + 3L * BYTES).sub(u3);
            s0 = s0.add(d0);
            s1 = s1.add(d1);
            s2 = s2.add(d2);
            s3 = s3.add(d3);
            q0 = d0.fma(d0, q0);
            q1 = d1.fma(d1, q1);
            q2 = d2.fma(d2, q2);
            q3 = d3.fma(d3, q3);
        }
        store4(s0, s1, s2, s3, sum);
        store4(q0, q1, q2, q3, squares);
    }

    private static void store4(FloatVector a, FloatVector b, FloatVector c, FloatVector d, long to) {
        store(a, to);
        store(b, to + BYTES);
        store(c, to + 2L * BYTES);
        store(d, to + 3L * BYTES);
    }

    static void dots(int rows, int channels, long dy, long dyRow, long x, long xRow, long mean, long sum, long dot) {
        int c = 0;
        for (; c + 2 * LANES <= channels; c += 2 * LANES) {
            dots2(rows, dy + 4L * c, dyRow, x + 4L * c, xRow, mean + 4L * c, sum + 4L * c, dot + 4L * c);
        }
        for (; c < channels; c += LANES) {
            VectorMask<Float> m = mask(c, channels);
            FloatVector s = FloatVector.zero(F), t = s, u = load(mean + 4L * c, m);
            for (int i = 0; i < rows; i++) {
                FloatVector g = load(dy + i * dyRow + 4L * c, m);
                s = s.add(g);
                t = g.fma(load(x + i * xRow + 4L * c, m).sub(u), t);
            }
            store(s, sum + 4L * c, m);
            store(t, dot + 4L * c, m);
        }
    }

    private static void dots2(int rows, long dy, long dyRow, long x, long xRow, long mean, long sum, long dot) {
        FloatVector s0 = FloatVector.zero(F), s1 = s0, t0 = s0, t1 = s0, u0 = load(mean), u1 = load(mean + BYTES);
        for (int i = 0; i < rows; i++, dy += dyRow, x += xRow) {
            FloatVector g0 = load(dy), g1 = load(dy + BYTES);
            s0 = s0.add(g0);
            s1 = s1.add(g1);
            t0 = g0.fma(load(x).sub(u0), t0);
            t1 = g1.fma(load(x + BYTES).sub(u1), t1);
        }
        store(s0, sum);
        store(s1, sum + BYTES);
        store(t0, dot);
        store(t1, dot + BYTES);
    }

    /** acc[c] += sum over rows of a * b. */
    static void products(int rows, int channels, long a, long aRow, long b, long bRow, long acc) {
        for (int c = 0; c < channels; c += LANES) {
            if (c + LANES <= channels) {
                FloatVector s = load(acc + 4L * c), t = FloatVector.zero(F);
                long p = a + 4L * c, q = b + 4L * c;
                int i = 0;
                for (; i + 2 <= rows; i += 2, p += 2 * aRow, q += 2 * bRow) {
                    s = load(p).fma(load(q), s);
                    t = load(p + aRow).fma(load(q + bRow), t);
                }
                if (i < rows) {
                    s = load(p).fma(load(q), s);
                }
                store(s.add(t), acc + 4L * c);
            } else {
                VectorMask<Float> m = mask(c, channels);
                FloatVector s = load(acc + 4L * c, m);
                for (int i = 0; i < rows; i++) {
                    s = load(a + i * aRow + 4L * c, m).fma(load(b + i * bRow + 4L * c, m), s);
                }
                store(s, acc + 4L * c, m);
            }
        }
    }

    static void normalize(int rows, int channels, long x, long mean, long scale, long shift, long y, boolean relu) {
        float floor = relu ? 0f : Float.NEGATIVE_INFINITY;
        int whole = channels / LANES * LANES;
        VectorMask<Float> rest = mask(whole, channels);
        for (int i = 0; i < rows; i++, x += 4L * channels, y += 4L * channels) {
            for (long c = 0; c < 4L * whole; c += BYTES) {
                store(load(x + c).sub(load(mean + c)).fma(load(scale + c), load(shift + c)).max(floor), y + c);
            }
            if (whole < channels) {
                long c = 4L * whole;
                store(load(x + c, rest).sub(load(mean + c, rest)).fma(load(scale + c, rest), load(shift + c, rest)).max(floor), y + c, rest);
            }
        }
    }

    /** dx = a * dy + b * (x - mean) + k, per channel. */
    static void normalizeBackward(int rows, int channels, long dy, long x, long mean, long a, long b, long k, long dx) {
        int whole = channels / LANES * LANES;
        VectorMask<Float> rest = mask(whole, channels);
        for (int i = 0; i < rows; i++, x += 4L * channels, dy += 4L * channels, dx += 4L * channels) {
            for (long c = 0; c < 4L * whole; c += BYTES) {
                store(load(x + c).sub(load(mean + c)).fma(load(b + c), load(dy + c).fma(load(a + c), load(k + c))), dx + c);
            }
            if (whole < channels) {
                long c = 4L * whole;
                FloatVector d = load(x + c, rest).sub(load(mean + c, rest));
                store(d.fma(load(b + c, rest), load(dy + c, rest).fma(load(a + c, rest), load(k + c, rest))), dx + c, rest);
            }
        }
    }

    static float sum(long n, long x) {
        FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0;
        long i = 0;
        for (; i + 4L * LANES <= n; i += 4L * LANES) {
            s0 = s0.add(load(x + 4 * i));
            s1 = s1.add(load(x + 4 * i + BYTES));
            s2 = s2.add(load(x + 4 * i + 2L * BYTES));
            s3 = s3.add(load(x + 4 * i + 3L * BYTES));
        }
        s0 = s0.add(s1).add(s2.add(s3));
        for (; i < n; i += LANES) {
            s0 = s0.add(load(x + 4 * i, F.indexInRange(i, n)));
        }
        return s0.reduceLanes(VectorOperators.ADD);
    }
}
