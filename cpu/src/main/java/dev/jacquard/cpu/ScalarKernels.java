package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Halves;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Update;

/** Plain loops for JVMs without the Vector API: right everywhere, slow. */
final class ScalarKernels implements Simd {
    @Override
    public int lanes() {
        return 4;
    }

    @Override
    public String describe() {
        return "scalar loops";
    }

    @Override
    public void tile(int rows, int columns, int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate, long scratch) {
        for (int i = 0; i < rows; i++) {
            long to = c + i * cRow;
            if (!accumulate) {
                fill(to, columns, 0);
            }
            for (int p = 0; p < k; p++) {
                float x = Raw.get(a + i * aRow + p * aStep);
                long from = b + p * bStep;
                for (long j = 0; j < 4L * columns; j += 4) {
                    Raw.set(to + j, Raw.get(to + j) + x * Raw.get(from + j));
                }
            }
        }
    }

    @Override
    public void copyRows(long rows, int columns, long from, long fromRow, long to, long toRow) {
        for (long i = 0; i < rows; i++) {
            for (long j = 0; j < 4L * columns; j += 4) {
                Raw.set(to + i * toRow + j, Raw.get(from + i * fromRow + j));
            }
        }
    }

    @Override
    public void transpose(int rows, int columns, long from, long fromRow, long to, long toRow) {
        for (int j = 0; j < columns; j++) {
            for (int i = 0; i < rows; i++) {
                Raw.set(to + j * toRow + 4L * i, Raw.get(from + i * fromRow + 4L * j));
            }
        }
    }

    @Override
    public void widen(DType half, long rows, int columns, long from, long fromRow, long to, long toRow) {
        for (long i = 0; i < rows; i++) {
            for (long j = 0; j < columns; j++) {
                short bits = Raw.getShort(from + i * fromRow + 2 * j);
                Raw.set(to + i * toRow + 4 * j, half == DType.F16 ? Float.float16ToFloat(bits) : Halves.bf16ToFloat(bits));
            }
        }
    }

    @Override
    public void narrow(DType half, long rows, int columns, long from, long fromRow, long to, long toRow) {
        for (long i = 0; i < rows; i++) {
            for (long j = 0; j < columns; j++) {
                float value = Raw.get(from + i * fromRow + 4 * j);
                Raw.setShort(to + i * toRow + 2 * j, half == DType.F16 ? Float.floatToFloat16(value) : Halves.floatToBf16(value));
            }
        }
    }

    @Override
    public void fill(long to, long n, float value) {
        for (long i = 0; i < n; i++) {
            Raw.set(to + 4 * i, value);
        }
    }

    @Override
    public PointwiseLoop pointwise(Pointwise op) {
        return null;
    }

    @Override
    public void addTo(long a, long out, long n) {
        for (long i = 0; i < 4 * n; i += 4) {
            Raw.set(out + i, Raw.get(out + i) + Raw.get(a + i));
        }
    }

    @Override
    public void columnSums(int rows, int channels, long x, long xRow, long out) {
        for (long c = 0; c < 4L * channels; c += 4) {
            float sum = 0;
            for (int i = 0; i < rows; i++) {
                sum += Raw.get(x + i * xRow + c);
            }
            Raw.set(out + c, sum);
        }
    }

    @Override
    public void columnMoments(int rows, int channels, long x, long xRow, long center, long sum, long squares) {
        for (long c = 0; c < 4L * channels; c += 4) {
            float middle = Raw.get(center + c);
            float s = 0;
            float q = 0;
            for (int i = 0; i < rows; i++) {
                float d = Raw.get(x + i * xRow + c) - middle;
                s += d;
                q += d * d;
            }
            Raw.set(sum + c, s);
            Raw.set(squares + c, q);
        }
    }

    @Override
    public void columnDots(int rows, int channels, long dy, long dyRow, long x, long xRow, long mean, long sum, long dot) {
        for (long c = 0; c < 4L * channels; c += 4) {
            float s = 0;
            float t = 0;
            for (int i = 0; i < rows; i++) {
                float g = Raw.get(dy + i * dyRow + c);
                s += g;
                t += g * (Raw.get(x + i * xRow + c) - Raw.get(mean + c));
            }
            Raw.set(sum + c, s);
            Raw.set(dot + c, t);
        }
    }

    @Override
    public void columnProducts(int rows, int channels, long a, long aRow, long b, long bRow, long out) {
        for (long c = 0; c < 4L * channels; c += 4) {
            float sum = Raw.get(out + c);
            for (int i = 0; i < rows; i++) {
                sum += Raw.get(a + i * aRow + c) * Raw.get(b + i * bRow + c);
            }
            Raw.set(out + c, sum);
        }
    }

    @Override
    public void normalize(int rows, int channels, long x, long mean, long scale, long shift, long y, boolean relu) {
        for (long i = 0; i < rows; i++) {
            for (long c = 0; c < 4L * channels; c += 4) {
                long at = i * 4 * channels + c;
                float v = (Raw.get(x + at) - Raw.get(mean + c)) * Raw.get(scale + c) + Raw.get(shift + c);
                Raw.set(y + at, relu ? Math.max(v, 0) : v);
            }
        }
    }

    @Override
    public void normalizeBackward(int rows, int channels, long dy, long x, long mean, long factors, long dx) {
        long b = factors + 4L * channels;
        long k = b + 4L * channels;
        for (long i = 0; i < rows; i++) {
            for (long c = 0; c < 4L * channels; c += 4) {
                long at = i * 4 * channels + c;
                Raw.set(dx + at, Raw.get(factors + c) * Raw.get(dy + at) + Raw.get(b + c) * (Raw.get(x + at) - Raw.get(mean + c)) + Raw.get(k + c));
            }
        }
    }

    @Override
    public void windowProducts(int taps, long table, int pixels, long step, int channels, long out, long outStep) {
        for (int i = 0; i < pixels; i++) {
            products(taps, table, i * step, channels, out + i * outStep);
        }
    }

    private static void products(int taps, long table, long shift, int channels, long out) {
        for (long c = 0; c < 4L * channels; c += 4) {
            float sum = 0;
            for (long e = table; e < table + (long) TAP_BYTES * taps; e += TAP_BYTES) {
                sum += Raw.get(Raw.getLong(e) + shift + c) * Raw.get(Raw.getLong(e + 8) + c);
            }
            Raw.set(out + c, sum);
        }
    }

    @Override
    public void windowSum(int taps, long table, int pixels, long step, int channels, long out, long outStep) {
        for (int i = 0; i < pixels; i++) {
            weighted(taps, table, i * step, channels, out + i * outStep);
        }
    }

    private static void weighted(int taps, long table, long shift, int channels, long out) {
        for (long c = 0; c < 4L * channels; c += 4) {
            float sum = 0;
            for (long e = table; e < table + (long) TAP_BYTES * taps; e += TAP_BYTES) {
                sum += Raw.get(Raw.getLong(e) + shift + c) * Raw.get(e + 16);
            }
            Raw.set(out + c, sum);
        }
    }

    @Override
    public void windowMax(int taps, long table, int pixels, long step, int channels, long out, long index, long outStep) {
        for (int i = 0; i < pixels; i++) {
            max(taps, table, i * step, channels, out + i * outStep, index + i * outStep);
        }
    }

    private static void max(int taps, long table, long shift, int channels, long out, long index) {
        for (long c = 0; c < 4L * channels; c += 4) {
            float best = Raw.get(Raw.getLong(table) + shift + c);
            int tap = Raw.getInt(table + 16);
            for (long e = table + TAP_BYTES; e < table + (long) TAP_BYTES * taps; e += TAP_BYTES) {
                float v = Raw.get(Raw.getLong(e) + shift + c);
                if (best == best && !(v <= best)) {
                    best = v;
                    tap = Raw.getInt(e + 16);
                }
            }
            Raw.set(out + c, best);
            Raw.setInt(index + c, tap);
        }
    }

    @Override
    public void windowRoute(int taps, long table, int pixels, long step, int channels, long out, long outStep) {
        for (int i = 0; i < pixels; i++) {
            route(taps, table, i * step, channels, out + i * outStep);
        }
    }

    private static void route(int taps, long table, long shift, int channels, long out) {
        for (long c = 0; c < 4L * channels; c += 4) {
            float sum = 0;
            for (long e = table; e < table + (long) TAP_BYTES * taps; e += TAP_BYTES) {
                sum += Raw.getInt(Raw.getLong(e + 8) + shift + c) == Raw.getInt(e + 16) ? Raw.get(Raw.getLong(e) + shift + c) : 0;
            }
            Raw.set(out + c, sum);
        }
    }

    @Override
    public boolean scale(long from, long to, long n, float factor) {
        boolean finite = finite(from, n);
        for (long i = 0; i < 4 * n; i += 4) {
            Raw.set(to + i, Raw.get(from + i) * factor);
        }
        return finite;
    }

    @Override
    public boolean finite(long x, long n) {
        float sum = 0;
        for (long i = 0; i < 4 * n; i += 4) {
            sum += 0 * Raw.get(x + i); // of what is not finite: NaN, and it stays
        }
        return sum == 0;
    }

    @Override
    public float squares(long x, long n) {
        double sum = 0;
        for (long i = 0; i < 4 * n; i += 4) {
            sum += (double) Raw.get(x + i) * Raw.get(x + i);
        }
        return (float) sum;
    }

    @Override
    public UpdateLoop update(Update.Rule plain) {
        return UpdateLoop.scalar(plain);
    }
}
