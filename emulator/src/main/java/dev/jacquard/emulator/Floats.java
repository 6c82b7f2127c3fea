package dev.jacquard.emulator;

/** Single operations on floats as bits, where Java has none. */
final class Floats {
    /** The NaN of arithmetic in F32, by the PTX manual. */
    static final int NAN = 0x7fffffff;

    private Floats() {}

    static float f(int bits) {
        return Float.intBitsToFloat(bits);
    }

    /** Bits of a result. All results that are no numbers are the same, as the devices have it; which operand's NaN the host's processor hands on is up to its compiler. */
    static int b(float value) {
        return Float.isNaN(value) ? NAN : Float.floatToRawIntBits(value);
    }

    static double d(long bits) {
        return Double.longBitsToDouble(bits);
    }

    static long b(double value) {
        return Double.doubleToRawLongBits(value);
    }

    /** A rounding: {@code n} nearest even, {@code z} to zero, {@code m} down, {@code p} up; of the exact value s + err to float. */
    static float round(double s, double err, char mode) {
        float r = (float) s;
        if (mode == 'n' || Float.isNaN(r) || Double.isInfinite(s)) {
            return r;
        }
        int above = Double.compare(r, s); // is the rounded value above the exact one?
        double sign = above == 0 || (double) r == s ? -err : r - s;
        boolean down = mode == 'm' || mode == 'z' && s > 0;
        if (down && sign > 0) {
            return Math.nextDown(r);
        }
        return !down && sign < 0 ? Math.nextUp(r) : r;
    }

    static float fma(float a, float b, float c, char mode) {
        if (mode == 'n') {
            return Math.fma(a, b, c);
        }
        double p = (double) a * b;
        return sum(p, c, mode);
    }

    /** p + c in a rounding. */
    static float sum(double p, double c, char mode) {
        double s = p + c;
        double bb = s - p;
        double err = (p - (s - bb)) + (c - bb);
        return round(s, Double.isNaN(err) ? 0 : err, mode);
    }

    static float div(float a, float b, char mode) {
        if (mode == 'n') {
            return a / b;
        }
        double q = (double) a / b;
        double residue = Math.fma(-q, (double) b, (double) a);
        return round(q, Double.isNaN(residue) ? 0 : residue / b, mode);
    }

    static float sqrt(float a, char mode) {
        double q = Math.sqrt((double) a);
        return round(q, mode == 'n' || Double.isNaN(q) ? 0 : Math.fma(-q, q, (double) a), mode);
    }

    static float min(float a, float b) {
        return Float.isNaN(a) ? b : Float.isNaN(b) ? a : Math.min(a, b);
    }

    static float max(float a, float b) {
        return Float.isNaN(a) ? b : Float.isNaN(b) ? a : Math.max(a, b);
    }

    static double min(double a, double b) {
        return Double.isNaN(a) ? b : Double.isNaN(b) ? a : Math.min(a, b);
    }

    static double max(double a, double b) {
        return Double.isNaN(a) ? b : Double.isNaN(b) ? a : Math.max(a, b);
    }

    static float half(int bits) {
        return Float.float16ToFloat((short) bits);
    }

    static int half(float value) {
        return Float.floatToFloat16(value) & 0xffff;
    }

    static float bfloat(int bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** To nearest even. */
    static int bfloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return 0x7fff;
        }
        return (bits + 0x7fff + (bits >>> 16 & 1)) >>> 16;
    }

    /** A 16-bit float of type half or bfloat. */
    static float small(int bits, boolean bf) {
        return bf ? bfloat(bits) : half(bits);
    }

    static int small(float value, boolean bf) {
        return bf ? bfloat(value) : half(value);
    }

    /** Float to 16 bits in a rounding. */
    static int narrow(float value, boolean bf, char mode) {
        int r = small(value, bf);
        if (mode == 'n' || Float.isNaN(value)) {
            return r;
        }
        float back = small(r, bf);
        boolean toZero = mode == 'z';
        if (toZero && Math.abs(back) > Math.abs(value)) {
            return r - 1;
        }
        boolean positive = (r & 0x8000) == 0;
        if (mode == 'm' && back > value) {
            return positive ? r == 0 ? 0x8001 : r - 1 : r + 1;
        }
        if (mode == 'p' && back < value) {
            return positive ? r + 1 : r == 0x8000 ? 1 : r - 1;
        }
        return r;
    }

    /** Rounds to an integer: n, z, m, p. */
    static double integral(double v, char mode) {
        return switch (mode) {
            case 'z' -> v < 0 ? Math.ceil(v) : Math.floor(v);
            case 'm' -> Math.floor(v);
            case 'p' -> Math.ceil(v);
            default -> Math.rint(v);
        };
    }

    static float saturate(float v) {
        return v > 0 ? Math.min(v, 1f) : 0f; // NaN becomes 0
    }

    /** 2 to a power; exactly for integers, so that tests of special values can hold it to that. */
    static double exp2(double v) {
        double whole = Math.rint(v);
        return Math.abs(v) < 2000 ? Math.scalb(Math.exp((v - whole) * 0.6931471805599453), (int) whole) : v > 0 ? Double.POSITIVE_INFINITY : Double.isNaN(v) ? v : 0;
    }

    private static final double LN2 = Math.log(2);

    static double log2(double v) {
        if (v > 0 && v < Double.POSITIVE_INFINITY) {
            int e = Math.getExponent(v);
            double m = Math.scalb(v, -e); // 1 <= m < 2, exactly 1 for powers of two
            return e + Math.log(m) / LN2;
        }
        return Math.log(v);
    }
}
