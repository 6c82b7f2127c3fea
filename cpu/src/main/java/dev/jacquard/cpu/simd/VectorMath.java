package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.F;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Exponential, logarithm and their kin to about 2 units in the last place, special values as in {@link Math}.
 * Range reductions and minimax polynomials are those of the Cephes library (S. Moshier, "Methods and Programs for
 * Mathematical Functions", 1989), written for vectors.
 */
final class VectorMath {
    /** 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits. */
    private static final float ROUND = 12582912f;
    private static final int ROUND_BITS = 0x4B400000;

    private VectorMath() {}

    static FloatVector exp(FloatVector x) {
        // Beyond these the result is 0 or infinity anyway; NaN passes through min and max.
        return expBetween(x.max(-104f).min(89f));
    }

    /** Exponential of numbers from -104 to 89. */
    private static FloatVector expBetween(FloatVector v) {
        FloatVector t = v.fma(FloatVector.broadcast(F, 1.44269504f), FloatVector.broadcast(F, ROUND));
        FloatVector k = t.sub(ROUND);
        FloatVector r = k.fma(FloatVector.broadcast(F, -0.693359375f), v);
        r = k.fma(FloatVector.broadcast(F, 2.12194440e-4f), r);
        FloatVector p = FloatVector.broadcast(F, 1.9875691500e-4f);
        p = p.fma(r, FloatVector.broadcast(F, 1.3981999507e-3f));
        p = p.fma(r, FloatVector.broadcast(F, 8.3334519073e-3f));
        p = p.fma(r, FloatVector.broadcast(F, 4.1665795894e-2f));
        p = p.fma(r, FloatVector.broadcast(F, 1.6666665459e-1f));
        p = p.fma(r, FloatVector.broadcast(F, 5.0000001201e-1f));
        p = p.fma(r.mul(r), r).add(1f);
        // 2^n in two factors, so that neither under- nor overflows before the product does: n + 254 halves into two biased exponents.
        IntVector n = t.reinterpretAsInts().sub(ROUND_BITS - 254);
        IntVector half = n.lanewise(VectorOperators.ASHR, 1);
        FloatVector s1 = half.lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
        FloatVector s2 = n.sub(half).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
        return p.mul(s1).mul(s2);
    }

    static FloatVector log(FloatVector x) {
        VectorMask<Float> tiny = x.compare(VectorOperators.LT, Float.MIN_NORMAL);
        FloatVector v = x.blend(x.mul(8388608f), tiny);
        IntVector bits = v.reinterpretAsInts();
        FloatVector e = (FloatVector) bits.lanewise(VectorOperators.LSHR, 23).sub(126).convert(VectorOperators.I2F, 0);
        e = e.blend(e.sub(23f), tiny);
        FloatVector m = bits.and(0x007fffff).or(0x3f000000).reinterpretAsFloats();
        VectorMask<Float> low = m.compare(VectorOperators.LT, 0.707106781186547524f);
        e = e.blend(e.sub(1f), low);
        m = m.sub(1f).add(m.blend(0f, low.not()));
        FloatVector z = m.mul(m);
        FloatVector p = FloatVector.broadcast(F, 7.0376836292e-2f);
        p = p.fma(m, FloatVector.broadcast(F, -1.1514610310e-1f));
        p = p.fma(m, FloatVector.broadcast(F, 1.1676998740e-1f));
        p = p.fma(m, FloatVector.broadcast(F, -1.2420140846e-1f));
        p = p.fma(m, FloatVector.broadcast(F, 1.4249322787e-1f));
        p = p.fma(m, FloatVector.broadcast(F, -1.6668057665e-1f));
        p = p.fma(m, FloatVector.broadcast(F, 2.0000714765e-1f));
        p = p.fma(m, FloatVector.broadcast(F, -2.4999993993e-1f));
        p = p.fma(m, FloatVector.broadcast(F, 3.3333331174e-1f));
        FloatVector y = p.mul(m).mul(z);
        y = e.fma(FloatVector.broadcast(F, -2.12194440e-4f), y);
        y = z.fma(FloatVector.broadcast(F, -0.5f), y);
        FloatVector result = e.fma(FloatVector.broadcast(F, 0.693359375f), m.add(y));
        result = result.blend(Float.NaN, x.compare(VectorOperators.LT, 0f));
        result = result.blend(Float.NEGATIVE_INFINITY, x.compare(VectorOperators.EQ, 0f));
        // Infinity and NaN are their own logarithms.
        return result.blend(x, x.compare(VectorOperators.LT, Float.POSITIVE_INFINITY).not());
    }

    static FloatVector sigmoid(FloatVector x) {
        // exp of a negative number cannot overflow, so that both tails keep their digits.
        FloatVector e = expBetween(x.abs().neg().max(-104f));
        FloatVector one = FloatVector.broadcast(F, 1f);
        return one.blend(e, x.compare(VectorOperators.LT, 0f)).div(e.add(one));
    }

    static FloatVector siluSlope(FloatVector x) {
        FloatVector s = sigmoid(x);
        FloatVector one = FloatVector.broadcast(F, 1f);
        return s.mul(x.fma(one.sub(s), one));
    }

    static FloatVector tanh(FloatVector x) {
        FloatVector a = x.abs();
        FloatVector z = x.mul(x);
        FloatVector p = FloatVector.broadcast(F, -5.70498872745e-3f);
        p = p.fma(z, FloatVector.broadcast(F, 2.06390887954e-2f));
        p = p.fma(z, FloatVector.broadcast(F, -5.37397155531e-2f));
        p = p.fma(z, FloatVector.broadcast(F, 1.33314422036e-1f));
        p = p.fma(z, FloatVector.broadcast(F, -3.33332819422e-1f));
        FloatVector small = p.mul(z).fma(x, x);
        FloatVector one = FloatVector.broadcast(F, 1f);
        FloatVector large = one.sub(FloatVector.broadcast(F, 2f).div(exp(a.add(a)).add(1f)));
        large = large.blend(large.neg(), x.compare(VectorOperators.LT, 0f));
        return large.blend(small, a.compare(VectorOperators.LT, 0.625f));
    }
}
