package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;
import java.util.function.LongBinaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Instructions one by one against Java, and what nvcc makes of ordinary code (src/test/cuda/instructions.cu) against the same code in Java. */
class InstructionTest {
    private static final int N = 256;
    private static final int[] CORNERS = {0, 1, -1, 2, 31, 32, 33, 63, 64, 65535, 65536, Integer.MAX_VALUE, Integer.MIN_VALUE, 0x7fff, 0x8000, -2};
    private static final float[] SPECIAL = {0f, -0f, 1f, -1f, 0.5f, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.MIN_VALUE, -Float.MIN_VALUE,
            Float.MAX_VALUE, 65504f,
        65520f, 1e-7f, 3e9f, -3e9f, 2.5f, 3.5f, -2.5f};

    private static int[] ints(long seed) {
        Random random = new Random(seed);
        int[] x = random.ints(N).toArray();
        for (int i = 0; i < CORNERS.length; i++) {
            x[(int) (i * (seed % 7 + 1) * 5 % N)] = CORNERS[i];
        }
        return x;
    }

    private static float[] floats(long seed) {
        Random random = new Random(seed);
        float[] x = new float[N];
        for (int i = 0; i < N; i++) {
            x[i] = (float) Math.scalb(random.nextGaussian(), random.nextInt(40) - 20);
        }
        for (int i = 0; i < SPECIAL.length; i++) {
            x[(int) (i * (seed % 5 + 1) * 7 % N)] = SPECIAL[i];
        }
        return x;
    }

    /** Runs a body on 256 threads that each have three words of input in r1, r2, r3 and leave a word in r0. */
    private static int[] run(String body, int[] x, int[] y, int[] z) {
        int[] all = new int[3 * N];
        for (int i = 0; i < N; i++) {
            all[3 * i] = x[i];
            all[3 * i + 1] = y[i];
            all[3 * i + 2] = z[i];
        }
        try (Rig rig = Rig.of("", """
                ld.param.u64 %rd1, [in]; ld.param.u64 %rd2, [out];
                mov.u32 %r10, %tid.x; mul.wide.u32 %rd3, %r10, 12; add.s64 %rd1, %rd1, %rd3;
                mul.wide.u32 %rd4, %r10, 4; add.s64 %rd2, %rd2, %rd4;
                ld.global.u32 %r1, [%rd1]; ld.global.u32 %r2, [%rd1+4]; ld.global.u32 %r3, [%rd1+8];
                mov.b32 %f1, %r1; mov.b32 %f2, %r2; mov.b32 %f3, %r3; mov.u32 %r0, 0;
                """ + body + "\nst.global.u32 [%rd2], %r0;")) {
            long out = rig.driver.allocate(4 * N);
            rig.launch("k", 1, N, 0, rig.upload(all), out);
            return rig.ints(out, N);
        }
    }

    private static void check(String body, IntBinaryOperator java) {
        int[] x = ints(1);
        int[] y = ints(2);
        int[] got = run(body, x, y, ints(3));
        for (int i = 0; i < N; i++) {
            int k = i;
            assertEquals(java.applyAsInt(x[i], y[i]), got[i], () -> body + " of " + x[k] + ", " + y[k]);
        }
    }

    private static void checkFloat(String body, FloatOperator java) {
        float[] x = floats(1);
        float[] y = floats(2);
        float[] z = floats(3);
        int[] got = run(body + " mov.b32 %r0, %f0;", bits(x), bits(y), bits(z));
        for (int i = 0; i < N; i++) {
            int k = i;
            assertEquals(java.of(x[i], y[i], z[i]), Float.intBitsToFloat(got[i]), () -> body + " of " + x[k] + ", " + y[k] + ", " + z[k]);
        }
    }

    private static int[] bits(float[] x) {
        int[] r = new int[x.length];
        for (int i = 0; i < r.length; i++) {
            r[i] = Float.floatToRawIntBits(x[i]);
        }
        return r;
    }

    private interface FloatOperator {
        float of(float x, float y, float z);
    }

    @Test
    void integerArithmetic() {
        check("add.s32 %r0, %r1, %r2;", (x, y) -> x + y);
        check("sub.u32 %r0, %r1, %r2;", (x, y) -> x - y);
        check("mul.lo.s32 %r0, %r1, %r2;", (x, y) -> x * y);
        check("mul.hi.s32 %r0, %r1, %r2;", (x, y) -> (int) ((long) x * y >> 32));
        check("mul.hi.u32 %r0, %r1, %r2;", (x, y) -> (int) (Integer.toUnsignedLong(x) * Integer.toUnsignedLong(y) >>> 32));
        check("mad.lo.u32 %r0, %r1, %r2, 17;", (x, y) -> x * y + 17);
        check("mul.wide.s32 %rd5, %r1, %r2; shr.s64 %rd5, %rd5, 7; cvt.u32.u64 %r0, %rd5;", (x, y) -> (int) ((long) x * y >> 7));
        check("mad.wide.u32 %rd5, %r1, %r2, -3; shr.u64 %rd5, %rd5, 9; cvt.u32.u64 %r0, %rd5;",
                (x, y) -> (int) (Integer.toUnsignedLong(x) * Integer.toUnsignedLong(y) - 3 >>> 9));
        check("div.s32 %r0, %r1, %r2;", (x, y) -> y == 0 ? -1 : x / y);
        check("div.u32 %r0, %r1, %r2;", (x, y) -> y == 0 ? -1 : Integer.divideUnsigned(x, y));
        check("rem.s32 %r0, %r1, %r2;", (x, y) -> y == 0 ? x : x % y);
        check("rem.u32 %r0, %r1, %r2;", (x, y) -> y == 0 ? x : Integer.remainderUnsigned(x, y));
        check("min.s32 %r0, %r1, %r2;", Math::min);
        check("max.u32 %r0, %r1, %r2;", (x, y) -> Integer.compareUnsigned(x, y) > 0 ? x : y);
        check("abs.s32 %r0, %r1;", (x, y) -> Math.abs(x));
        check("neg.s32 %r0, %r1;", (x, y) -> -x);
        check("sad.u32 %r0, %r1, %r2, 3;", (x, y) -> (int) Math.abs(Integer.toUnsignedLong(x) - Integer.toUnsignedLong(y)) + 3);
        check("dp4a.s32.u32 %r0, %r1, %r2, 5;", (x, y) -> {
            int sum = 5;
            for (int k = 0; k < 32; k += 8) {
                sum += (byte) (x >> k) * (y >> k & 255);
            }
            return sum;
        });
    }

    @Test
    void bits() {
        check("and.b32 %r0, %r1, %r2;", (x, y) -> x & y);
        check("or.b32 %r0, %r1, %r2;", (x, y) -> x | y);
        check("xor.b32 %r0, %r1, %r2;", (x, y) -> x ^ y);
        check("not.b32 %r0, %r1;", (x, y) -> ~x);
        check("shl.b32 %r0, %r1, %r2;", (x, y) -> Integer.compareUnsigned(y, 31) > 0 ? 0 : x << y);
        check("shr.u32 %r0, %r1, %r2;", (x, y) -> Integer.compareUnsigned(y, 31) > 0 ? 0 : x >>> y);
        check("shr.s32 %r0, %r1, %r2;", (x, y) -> x >> (Integer.compareUnsigned(y, 31) > 0 ? 31 : y));
        check("popc.b32 %r0, %r1;", (x, y) -> Integer.bitCount(x));
        check("clz.b32 %r0, %r1;", (x, y) -> Integer.numberOfLeadingZeros(x));
        check("brev.b32 %r0, %r1;", (x, y) -> Integer.reverse(x));
        check("bfind.u32 %r0, %r1;", (x, y) -> 31 - Integer.numberOfLeadingZeros(x));
        check("bfe.u32 %r0, %r1, 5, 9;", (x, y) -> x >>> 5 & 511);
        check("bfe.s32 %r0, %r1, 5, 9;", (x, y) -> x << 18 >> 23);
        check("bfe.s32 %r0, %r1, 28, 9;", (x, y) -> x >> 28);
        check("bfi.b32 %r0, %r1, %r2, 8, 12;", (x, y) -> y & ~0xfff00 | (x & 0xfff) << 8);
        check("lop3.b32 %r0, %r1, %r2, 12345, 0xe8;", (x, y) -> x & y | x & 12345 | y & 12345);
        check("shf.l.wrap.b32 %r0, %r1, %r2, 11;", (x, y) -> y << 11 | x >>> 21);
        check("shf.r.wrap.b32 %r0, %r1, %r2, 11;", (x, y) -> x >>> 11 | y << 21);
        check("shf.r.clamp.b32 %r0, %r1, %r2, 40;", (x, y) -> y);
        check("prmt.b32 %r0, %r1, %r2, 0x6410;", (x, y) -> x & 0xffff | (y & 0xff) << 16 | (y >>> 16 & 0xff) << 24);
        check("prmt.b32 %r0, %r1, %r2, 0x3b21;", (x, y) -> x >>> 8 & 0xffff | (x >> 31 & 255) << 16 | x & 0xff000000);
    }

    @Test
    void shortsAndBytes() {
        check("cvt.u16.u32 %h1, %r1; cvt.u16.u32 %h2, %r2; add.s16 %h3, %h1, %h2; cvt.s32.s16 %r0, %h3;", (x, y) -> (short) (x + y));
        check("cvt.u16.u32 %h1, %r1; cvt.u16.u32 %h2, %r2; mul.wide.s16 %r0, %h1, %h2;", (x, y) -> (short) x * (short) y);
        check("cvt.u16.u32 %h1, %r1; shr.s16 %h3, %h1, 3; cvt.u32.u16 %r0, %h3;", (x, y) -> (short) x >> 3 & 0xffff);
        check("cvt.u16.u32 %h1, %r1; cvt.u16.u32 %h2, %r2; setp.lt.s16 %p1, %h1, %h2; selp.b32 %r0, 1, 2, %p1;", (x, y) -> (short) x < (short) y ? 1 : 2);
        check("cvt.s8.s32 %r0, %r1;", (x, y) -> (byte) x);
        check("cvt.u32.u8 %r0, %r1;", (x, y) -> x & 255);
        check("cvt.sat.s8.s32 %r0, %r1;", (x, y) -> Math.clamp(x, -128, 127));
        check("cvt.sat.u8.s32 %r0, %r1;", (x, y) -> Math.clamp(x, 0, 255));
        check("mov.b32 {%h1, %h2}, %r1; mov.b32 %r0, {%h2, %h1};", (x, y) -> x >>> 16 | x << 16);
        check("mov.b64 %rd5, {%r1, %r2}; shr.u64 %rd5, %rd5, 16; mov.b64 {%r0, _}, %rd5;", (x, y) -> x >>> 16 | y << 16);
    }

    @Test
    void longs() {
        checkLong("add.s64 %rd0, %rd5, %rd6;", (x, y) -> x + y);
        checkLong("mul.lo.s64 %rd0, %rd5, %rd6;", (x, y) -> x * y);
        checkLong("mul.hi.u64 %rd0, %rd5, %rd6;", Math::unsignedMultiplyHigh);
        checkLong("div.s64 %rd0, %rd5, %rd6;", (x, y) -> y == 0 ? -1 : x / y);
        checkLong("rem.u64 %rd0, %rd5, %rd6;", (x, y) -> y == 0 ? x : Long.remainderUnsigned(x, y));
        checkLong("shl.b64 %rd0, %rd5, 13;", (x, y) -> x << 13);
        checkLong("shr.s64 %rd0, %rd5, 70;", (x, y) -> x >> 63);
        checkLong("bfe.s64 %rd0, %rd5, 20, 30;", (x, y) -> x << 14 >> 34);
        checkLong("bfi.b64 %rd0, %rd5, %rd6, 32, 32;", (x, y) -> x << 32 | y & 0xffffffffL);
        checkLong("popc.b64 %r0, %rd5; cvt.u64.u32 %rd0, %r0;", (x, y) -> Long.bitCount(x));
        checkLong("clz.b64 %r0, %rd5; cvt.s64.s32 %rd0, %r0;", (x, y) -> Long.numberOfLeadingZeros(x));
        checkLong("setp.lt.u64 %p1, %rd5, %rd6; selp.b64 %rd0, 1, 2, %p1;", (x, y) -> Long.compareUnsigned(x, y) < 0 ? 1 : 2);
        checkLong("min.s64 %rd0, %rd5, %rd6;", Math::min);
        checkLong("cvt.s32.s64 %r0, %rd5; cvt.s64.s32 %rd0, %r0;", (x, y) -> (int) x);
    }

    private static void checkLong(String body, LongBinaryOperator java) {
        Random random = new Random(5);
        long[] x = random.longs(2 * N).toArray();
        x[0] = 0;
        x[1] = 0;
        x[3] = 0;
        x[4] = Long.MIN_VALUE;
        x[5] = -1;
        x[6] = Long.MAX_VALUE;
        try (Rig rig = Rig.of("", """
                ld.param.u64 %rd1, [in]; ld.param.u64 %rd2, [out];
                mov.u32 %r10, %tid.x; mul.wide.u32 %rd3, %r10, 16; add.s64 %rd1, %rd1, %rd3; mul.wide.u32 %rd4, %r10, 8; add.s64 %rd2, %rd2, %rd4;
                ld.global.v2.u64 {%rd5, %rd6}, [%rd1];
                """ + body + "\nst.global.u64 [%rd2], %rd0;")) {
            long out = rig.driver.allocate(8 * N);
            rig.launch("k", 1, N, 0, rig.upload(x), out);
            long[] got = rig.longs(out, N);
            for (int i = 0; i < N; i++) {
                int k = i;
                assertEquals(java.applyAsLong(x[2 * i], x[2 * i + 1]), got[i], () -> body + " of " + x[2 * k] + ", " + x[2 * k + 1]);
            }
        }
    }

    @Test
    void floatArithmetic() {
        checkFloat("add.f32 %f0, %f1, %f2;", (x, y, z) -> x + y);
        checkFloat("sub.rn.f32 %f0, %f1, %f2;", (x, y, z) -> x - y);
        checkFloat("mul.f32 %f0, %f1, %f2;", (x, y, z) -> x * y);
        checkFloat("fma.rn.f32 %f0, %f1, %f2, %f3;", Math::fma);
        checkFloat("div.rn.f32 %f0, %f1, %f2;", (x, y, z) -> x / y);
        checkFloat("rcp.rn.f32 %f0, %f1;", (x, y, z) -> 1 / x);
        checkFloat("sqrt.rn.f32 %f0, %f1;", (x, y, z) -> (float) Math.sqrt(x));
        checkFloat("abs.f32 %f0, %f1;", (x, y, z) -> Math.abs(x));
        checkFloat("neg.f32 %f0, %f1;", (x, y, z) -> -x);
        checkFloat("min.f32 %f0, %f1, %f2;", (x, y, z) -> Float.isNaN(x) ? y : Float.isNaN(y) ? x : Math.min(x, y));
        checkFloat("max.f32 %f0, %f1, %f2;", (x, y, z) -> Float.isNaN(x) ? y : Float.isNaN(y) ? x : Math.max(x, y));
        checkFloat("max.NaN.f32 %f0, %f1, %f2;", (x, y, z) -> Math.max(x, y));
        checkFloat("copysign.f32 %f0, %f1, %f2;", (x, y, z) -> Math.copySign(y, Float.intBitsToFloat(Float.floatToRawIntBits(x))));
        checkFloat("fma.rn.sat.f32 %f0, %f1, %f2, %f3;", (x, y, z) -> {
            float v = Math.fma(x, y, z);
            return v > 0 ? Math.min(v, 1) : 0f;
        });
        checkFloat("setp.gtu.f32 %p1, %f1, %f2; selp.f32 %f0, %f1, %f3, %p1;", (x, y, z) -> !(x <= y) ? x : z);
        checkFloat("setp.ne.f32 %p1, %f1, %f2; selp.f32 %f0, 1.0, 2.0, %p1;", (x, y, z) -> x < y || x > y ? 1 : 2);
        checkFloat("setp.nan.f32 %p1|%p2, %f1, %f2; @%p2 mov.f32 %f0, %f3; @!%p2 mov.f32 %f0, 0f40000000;", (x, y, z) -> Float.isNaN(x) || Float.isNaN(y) ? 2 : z);
        checkFloat("setp.lt.f32 %p1, %f1, %f2; setp.gt.and.f32 %p3, %f1, %f3, !%p1; selp.f32 %f0, %f1, %f2, %p3;", (x, y, z) -> x > z && !(x < y) ? x : y);
    }

    @Test
    void directedRoundings() {
        for (char mode : new char[] {'z', 'm', 'p'}) {
            checkFloat("add.r" + mode + ".f32 %f0, %f1, %f2;", (x, y, z) -> directed(exact(x).add(exact(y)), x + y, mode, x, y));
            checkFloat("mul.r" + mode + ".f32 %f0, %f1, %f2;", (x, y, z) -> directed(exact(x).multiply(exact(y)), x * y, mode, x, y));
            checkFloat("fma.r" + mode + ".f32 %f0, %f1, %f2, %f3;", (x, y, z) -> directed(exact(x).multiply(exact(y)).add(exact(z)), Math.fma(x, y, z), mode, x, y, z));
        }
    }

    private static java.math.BigDecimal exact(float v) {
        return Float.isFinite(v) ? new java.math.BigDecimal(v) : java.math.BigDecimal.ZERO;
    }

    private static float directed(java.math.BigDecimal exact, float nearest, char mode, float... operands) {
        for (float o : operands) {
            if (!Float.isFinite(o)) {
                return nearest;
            }
        }
        if (Float.isInfinite(nearest)) {
            boolean keeps = nearest > 0 ? mode == 'p' : mode == 'm';
            return keeps ? nearest : Math.copySign(Float.MAX_VALUE, nearest);
        }
        int above = new java.math.BigDecimal(nearest).compareTo(exact);
        boolean down = mode == 'm' || mode == 'z' && exact.signum() > 0;
        return above > 0 && down ? Math.nextDown(nearest) : above < 0 && !down ? Math.nextUp(nearest) : nearest;
    }

    @Test
    void approximations() {
        approximates("ex2.approx.f32", x -> Math.pow(2, x));
        approximates("lg2.approx.f32", x -> Math.log(x) / Math.log(2));
        approximates("rsqrt.approx.f32", x -> 1 / Math.sqrt(x));
        approximates("sin.approx.f32", Math::sin);
        approximates("cos.approx.f32", Math::cos);
        approximates("tanh.approx.f32", Math::tanh);
        approximates("rcp.approx.ftz.f32", x -> 1 / x);
    }

    /** At most one unit in the last place from the exact value: less than any device's documented error. */
    private static void approximates(String op, DoubleUnaryOperator exact) {
        float[] x = floats(4);
        int[] got = run(op + " %f0, %f1; mov.b32 %r0, %f0;", bits(x), bits(x), bits(x));
        for (int i = 0; i < N; i++) {
            float want = (float) exact.applyAsDouble(x[i]);
            float have = Float.intBitsToFloat(got[i]);
            boolean close = Float.compare(want, have) == 0 || want == have || Math.abs(want - have) <= Math.ulp(want);
            int k = i;
            assertEquals(true, close, () -> op + " of " + x[k] + " is " + have + ", not " + want);
        }
    }

    @Test
    void conversions() {
        checkConversion("cvt.rzi.s32.f32 %r0, %f1;", x -> (int) Float.intBitsToFloat(x));
        checkConversion("cvt.rni.s32.f32 %r0, %f1;", x -> (int) Math.rint(Float.intBitsToFloat(x)));
        checkConversion("cvt.rmi.s32.f32 %r0, %f1;", x -> (int) Math.floor(Float.intBitsToFloat(x)));
        checkConversion("cvt.rzi.u32.f32 %r0, %f1;", x -> {
            float v = Float.intBitsToFloat(x);
            return v >= 0x1p32f ? -1 : (int) (long) Math.max(v, 0);
        });
        checkConversion("cvt.rni.f32.f32 %f0, %f1; mov.b32 %r0, %f0;", x -> Float.floatToRawIntBits((float) Math.rint(Float.intBitsToFloat(x))));
        checkConversion("cvt.rn.f16.f32 %h1, %f1; cvt.u32.u16 %r0, %h1;", x -> Float.floatToFloat16(Float.intBitsToFloat(x)) & 0xffff);
        checkConversion("cvt.rn.f16.f32 %h1, %f1; cvt.f32.f16 %f0, %h1; mov.b32 %r0, %f0;",
                x -> Float.floatToRawIntBits(Float.float16ToFloat(Float.floatToFloat16(Float.intBitsToFloat(x)))));
        checkConversion("cvt.rn.bf16.f32 %h1, %f1; cvt.u32.u16 %r0, %h1;", x -> {
            float v = Float.intBitsToFloat(x);
            return Float.isNaN(v) ? 0x7fff : (int) (Integer.toUnsignedLong(x) + 0x7fff + (x >>> 16 & 1) >> 16);
        });
        checkConversion("cvt.rn.f16x2.f32 %r0, %f1, 0f3F800000;", x -> Float.floatToFloat16(Float.intBitsToFloat(x)) << 16 | 0x3c00);
        check("cvt.rn.f32.s32 %f0, %r1; mov.b32 %r0, %f0;", (x, y) -> Float.floatToRawIntBits(x));
        check("cvt.rn.f32.u32 %f0, %r1; mov.b32 %r0, %f0;", (x, y) -> Float.floatToRawIntBits(Integer.toUnsignedLong(x)));
        check("cvt.rz.f32.u32 %f0, %r1; mov.b32 %r0, %f0;", (x, y) -> {
            float r = Integer.toUnsignedLong(x);
            return Float.floatToRawIntBits((double) r > Integer.toUnsignedLong(x) ? Math.nextDown(r) : r);
        });
        check("cvt.rn.f64.s32 %d1, %r1; mul.f64 %d1, %d1, 0d3FE0000000000000; cvt.rni.s32.f64 %r0, %d1;", (x, y) -> (int) Math.rint(x * 0.5));
    }

    private static void checkConversion(String body, IntUnaryOperator java) {
        int[] x = bits(floats(6));
        int[] got = run(body, x, x, x);
        for (int i = 0; i < N; i++) {
            int k = i;
            int want = java.applyAsInt(x[i]);
            boolean nans = Float.isNaN(Float.intBitsToFloat(x[i])) && Float.isNaN(Float.intBitsToFloat(want)) && Float.isNaN(Float.intBitsToFloat(got[i]));
            assertEquals(want, nans ? want : got[i], () -> body + " of " + Float.intBitsToFloat(x[k]));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 31, 32, 33, 100, 256})
    void divergenceAndCalls(int n) {
        int[] x = new Random(7).ints(n, -100_000, 100_000).toArray();
        try (Rig rig = new Rig(EmulatorOptions.DEFAULT, "instructions.ptx")) {
            long out = rig.driver.allocate(4L * n);
            rig.launch("nested", (n + 63) / 64, 64, 0, rig.upload(x), out, n);
            int[] want = new int[n];
            for (int i = 0; i < n; i++) {
                want[i] = nested(x[i]);
            }
            assertArrayEquals(want, rig.ints(out, n));
            rig.driver.fill(out, (byte) 0, 4L * n, rig.stream);
            rig.launch("choose", (n + 63) / 64, 64, 0, rig.upload(x), out, n);
            for (int i = 0; i < n; i++) {
                want[i] = choose(x[i]);
            }
            assertArrayEquals(want, rig.ints(out, n));
            float[] f = new float[n];
            float[] wantFloats = new float[n];
            for (int i = 0; i < n; i++) {
                f[i] = Math.abs(x[i]) * 0.001f;
                wantFloats[i] = helper(f[i], x[i] & 7) + helper(1 + f[i], (x[i] & 7) - 1);
                want[i] = x[i] & 7;
            }
            rig.launch("calls", (n + 63) / 64, 64, 0, rig.upload(f), rig.upload(want), out, n);
            assertArrayEquals(wantFloats, rig.floats(out, n));
        }
    }

    private static float helper(float a, int b) {
        return b > 3 ? a * (float) Math.sqrt(a) : a + b;
    }

    private static int nested(int v) {
        int r = 0;
        if ((v & 1) != 0) {
            if ((v & 2) != 0) {
                return v * 3;
            }
            for (int k = 0; k < (v & 15); k++) {
                r += k * v;
                if (r > 1000) {
                    break;
                }
            }
        } else {
            int k = v & 255;
            while (k > 0) {
                k = (k & 1) != 0 ? k - 1 : k >> 1;
                if (k == 8) {
                    continue;
                }
                r++;
            }
        }
        return r;
    }

    private static int choose(int x) {
        return switch (x & 7) {
            case 0 -> x + 1;
            case 1 -> x * 7;
            case 2, 3 -> x ^ 5;
            case 4 -> 0;
            case 5 -> Integer.bitCount(x);
            case 6 -> Integer.numberOfLeadingZeros(x);
            default -> -x;
        };
    }

    @Test
    void shufflesBarriersAndSharedMemory() {
        float[] x = new float[1000];
        float want = 0;
        for (int i = 0; i < x.length; i++) {
            x[i] = i % 17;
            want += x[i]; // integers: exact in any order
        }
        try (Rig rig = new Rig(EmulatorOptions.DEFAULT, "instructions.ptx")) {
            long out = rig.driver.allocate(4);
            rig.launch("block_sum", 1, 128, 0, rig.upload(x), out, x.length);
            assertEquals(want, rig.floats(out, 1)[0]);
        }
    }

    @Test
    void atomics() {
        int n = 300;
        int[] x = new Random(8).ints(n, -1000, 1000).toArray();
        int[] start = {0, -5000, 5000, 0, -1, 0, 0, 0, 5, 0, 0, 0};
        int[] want = start.clone();
        long sum = 0;
        float quarters = 0;
        for (int i = 0; i < n; i++) {
            want[0] += x[i];
            want[1] = Math.max(want[1], x[i]);
            want[2] = Math.min(want[2], x[i]);
            want[3] |= x[i];
            want[4] &= x[i];
            want[5] ^= x[i];
            want[6] = want[6] >= 9 ? 0 : want[6] + 1;
            sum += x[i];
            quarters += 0.25f * (x[i] & 3);
        }
        want[7] = x[3];
        want[8] = x[3];
        want[10] = (int) sum;
        want[11] = (int) (sum >> 32);
        try (Rig rig = new Rig(EmulatorOptions.DEFAULT, "instructions.ptx")) {
            long counters = rig.upload(start);
            long total = rig.upload(0f);
            rig.launch("atomics", 5, 64, 0, counters, total, rig.upload(x), n);
            assertArrayEquals(want, rig.ints(counters, start.length));
            assertEquals(quarters, rig.floats(total, 1)[0]);
        }
    }

    @Test
    void warpReductions() {
        int[] x = ints(1);
        checkWarps("redux.sync.add.s32 %r0, %r1, -1;", x, (lanes, i) -> Arrays.stream(lanes).sum());
        checkWarps("redux.sync.max.u32 %r0, %r1, -1;", x, (lanes, i) -> Arrays.stream(lanes).reduce((a, b) -> Integer.compareUnsigned(a, b) > 0 ? a : b).orElseThrow());
        checkWarps("setp.gt.s32 %p1, %r1, 0; @%p1 activemask.b32 %r0;", x, (lanes, i) -> {
            int positive = 0;
            for (int k = 0; k < lanes.length; k++) {
                positive |= lanes[k] > 0 ? 1 << k : 0;
            }
            return lanes[i] > 0 ? positive : 0;
        });
        checkWarps("mov.u32 %r0, %laneid; mov.u32 %r4, %lanemask_lt; add.u32 %r0, %r0, %r4;", x, (lanes, i) -> i + (1 << i) - 1);
        checkWarps("and.b32 %r4, %r1, 0; match.all.sync.b32 %r0|%p1, %r4, -1; @!%p1 mov.u32 %r0, 7;", x, (lanes, i) -> -1);
    }

    private interface Lane {
        int of(int[] lanes, int lane);
    }

    private static void checkWarps(String body, int[] x, Lane java) {
        int[] got = run(body, x, x, x);
        for (int i = 0; i < N; i++) {
            assertEquals(java.of(Arrays.copyOfRange(x, i / 32 * 32, i / 32 * 32 + 32), i % 32), got[i], body);
        }
    }

    @Test
    void branchTables() {
        check("""
                and.b32 %r4, %r1, 3;
                table: .branchtargets zero, one, two, one;
                brx.idx %r4, table;
                zero: mov.u32 %r0, 10; bra end;
                one: mov.u32 %r0, 20; bra end;
                two: mov.u32 %r0, 30;
                end:
                add.u32 %r0, %r0, 1;
                """, (x, y) -> new int[] {11, 21, 31, 21}[x & 3]);
    }

    @Test
    void barriersOfSomeWarps() {
        // Warps 0 and 1 meet at barrier 1; warps 2 and 3 do not know of it. Then all meet, and count.
        try (Rig rig = Rig.of(".shared .align 4 .b32 s[64];", """
                ld.param.u64 %rd1, [out]; mov.u32 %r1, %tid.x; mul.wide.u32 %rd2, %r1, 4; add.s64 %rd1, %rd1, %rd2;
                mov.u32 %r2, s; shl.b32 %r3, %r1, 2; add.u32 %r2, %r2, %r3; mov.u32 %r5, 0;
                setp.ge.u32 %p1, %r1, 64;
                @%p1 bra rest;
                st.shared.u32 [%r2], %r1;
                bar.sync 1, 64;
                xor.b32 %r4, %r3, 128; mov.u32 %r6, s; add.u32 %r6, %r6, %r4;
                ld.shared.u32 %r5, [%r6];
                rest:
                bar.red.popc.u32 %r7, 0, %p1;
                mad.lo.u32 %r5, %r7, 1000, %r5;
                st.global.u32 [%rd1], %r5;
                """)) {
            long out = rig.driver.allocate(512);
            rig.launch("k", 1, 128, 0, 0L, out);
            int[] got = rig.ints(out, 128);
            for (int i = 0; i < 128; i++) {
                assertEquals(64_000 + (i < 64 ? i ^ 32 : 0), got[i]);
            }
        }
    }

    @Test
    void votes() {
        int[] x = new Random(9).ints(32, -20, 20).toArray();
        int ballot = 0;
        boolean seven = false;
        for (int i = 0; i < 32; i++) {
            ballot |= x[i] > 0 ? 1 << i : 0;
            seven |= x[i] == 7;
        }
        int[] want = new int[32];
        for (int i = 0; i < 32; i++) {
            int r = ballot ^ (seven ? 0x100 : 0) ^ 0x200;
            r += x[x[i] & 31] + (i >= 3 ? x[i - 3] : x[i]) + (i % 16 < 11 ? x[i + 5] : x[i]);
            r += Integer.bitCount(ballot) + (seven ? 1 : 0) + 1;
            for (int k = 0; k < 32; k++) {
                r += (x[k] & 3) == (x[i] & 3) ? 1 << k : 0;
            }
            want[i] = r;
        }
        try (Rig rig = new Rig(EmulatorOptions.DEFAULT, "instructions.ptx")) {
            long out = rig.driver.allocate(128);
            rig.launch("votes", 1, 32, 0, rig.upload(x), out);
            assertArrayEquals(want, rig.ints(out, 32));
        }
    }

    @Test
    void structParametersAreReadAtAnyIndex() {
        float[] x = new float[120];
        for (int i = 0; i < x.length; i++) {
            x[i] = i;
        }
        try (Rig rig = new Rig(EmulatorOptions.DEFAULT, "instructions.ptx")) {
            MemorySegment s = rig.struct(56);
            int[] extent = {2, 3, 4, 5};
            int[] stride = {60, 5, 15, 1};
            for (int k = 0; k < 4; k++) {
                s.set(ValueLayout.JAVA_INT, 4 * k, extent[k]);
                s.set(ValueLayout.JAVA_LONG, 16 + 8 * k, stride[k]);
            }
            s.set(ValueLayout.JAVA_FLOAT, 48, 2f);
            long out = rig.driver.allocate(4 * 120);
            rig.launch("strided", 2, 64, 0, rig.upload(x), out, s, (byte) 3, (short) -7);
            float[] got = rig.floats(out, 120);
            for (int i = 0; i < 120; i++) {
                int at = i % 5 + i / 5 % 4 * 15 + i / 20 % 3 * 5 + i / 60 * 60;
                assertEquals(2f * at - 7 + 3, got[i]);
            }
        }
    }

    @Test
    void bytesAndDoubles() {
        int n = 100;
        Random random = new Random(10);
        byte[] x = new byte[n];
        byte[] z = new byte[n];
        random.nextBytes(x);
        random.nextBytes(z);
        double[] d = random.doubles(n, -1e6, 1e6).toArray();
        try (Rig rig = new Rig(EmulatorOptions.DEFAULT, "instructions.ptx")) {
            long y = rig.driver.allocate(2L * n);
            long w = rig.driver.allocate(n);
            rig.launch("bytes", 4, 32, 0, rig.upload(x), rig.upload(z), y, w, n);
            int[] shorts = rig.ints(y, n / 2);
            int[] bytes = rig.ints(w, n / 4);
            for (int i = 0; i < n; i++) {
                int u = x[i] & 255;
                assertEquals((short) (u * z[i] - (u >> 3)), (short) (shorts[i / 2] >> 16 * (i % 2)));
                assertEquals(Math.clamp(z[i] * 2, 0, 200), bytes[i / 4] >> 8 * (i % 4) & 255);
            }
            long doubles = rig.driver.allocate(8L * n);
            long longs = rig.driver.allocate(8L * n);
            rig.launch("doubles", 4, 32, 0, rig.upload(d), doubles, longs, n);
            long[] gotDoubles = rig.longs(doubles, n);
            long[] gotLongs = rig.longs(longs, n);
            for (int i = 0; i < n; i++) {
                assertEquals(Math.fma(Math.sqrt(Math.abs(d[i])), 3.0, d[i] / 7.0), Double.longBitsToDouble(gotDoubles[i]));
                assertEquals((long) d[i] * 1000003L % 977 + (long) Math.rint(d[i]), gotLongs[i]);
            }
        }
    }
}
