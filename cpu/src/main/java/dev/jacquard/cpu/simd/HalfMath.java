package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.ALL;
import static dev.jacquard.cpu.simd.Species.I;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.ORDER;

import dev.jacquard.tensor.Halves;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Halves and floats as vectors of their bits, converted by integer arithmetic: the Vector API has no conversions of halves, and what C2 makes of the scalar ones is three times
 * slower. Bit for bit what {@link Float#float16ToFloat}, {@link Float#floatToFloat16} and {@link Halves} give, NaNs included.
 */
final class HalfMath {
    /** Halves of as many lanes as a vector of floats. */
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, VectorShape.forBitSize(16 * LANES));
    private static final int ABSOLUTE = 0x7fffffff;
    private static final int INFINITY = 0x7f800000;
    private static final int QUIET = 0x400000;
    /** The smallest normal number of F16 as a float's bits, and how much larger a float's exponent is than an F16's, in its place. */
    private static final int F16_NORMAL = 113 << 23;
    private static final int REBIAS = 112 << 23;
    /** The smallest magnitude that rounds to F16's infinity. */
    private static final int F16_OVERFLOW = 0x477ff000;

    private HalfMath() {}

    static IntVector load(long address) {
        return (IntVector) ShortVector.fromMemorySegment(S, ALL, address, ORDER).convertShape(VectorOperators.S2I, I, 0);
    }

    static void put(IntVector halves, long address) {
        ((ShortVector) halves.convertShape(VectorOperators.I2S, S, 0)).intoMemorySegment(ALL, address, ORDER);
    }

    static IntVector fromBf16(IntVector half) {
        return half.lanewise(VectorOperators.LSHL, 16);
    }

    static IntVector fromF16(IntVector half) {
        IntVector bits = half.and(0x7fff).lanewise(VectorOperators.LSHL, 13);
        IntVector rebiased = bits.add(REBIAS);
        // Without an exponent the bits count 2^-24ths: set behind the leading one of 2^-14, which is then taken away.
        IntVector small = bits.add(F16_NORMAL).viewAsFloatingLanes().sub(Float.intBitsToFloat(F16_NORMAL)).viewAsIntegralLanes();
        // Adding nothing makes a signalling NaN quiet.
        IntVector special = bits.or(INFINITY).viewAsFloatingLanes().add(0f).viewAsIntegralLanes();
        IntVector value = rebiased.blend(small, bits.compare(VectorOperators.LT, 0x400 << 13)).blend(special, bits.compare(VectorOperators.GE, 0x7c00 << 13));
        return value.or(half.and(~ABSOLUTE));
    }

    static IntVector toF16(IntVector bits) {
        IntVector a = bits.and(ABSOLUTE);
        IntVector normal = a.sub(REBIAS - 0xfff).add(a.lanewise(VectorOperators.LSHR, 13).and(1)).lanewise(VectorOperators.LSHR, 13);
        // Next to 0.5 the unit in a float's last place is 2^-24, that of F16's smallest numbers: the addition rounds.
        IntVector small = a.viewAsFloatingLanes().add(0.5f).viewAsIntegralLanes().sub(126 << 23);
        IntVector nan = a.lanewise(VectorOperators.LSHR, 13).and(0x3ff).or(0x7e00);
        IntVector value = normal.blend(small, a.compare(VectorOperators.LT, F16_NORMAL)).blend(0x7c00, a.compare(VectorOperators.GE, F16_OVERFLOW));
        return value.blend(nan, a.compare(VectorOperators.GT, INFINITY)).or(bits.lanewise(VectorOperators.LSHR, 16).and(0x8000));
    }

    static IntVector toBf16(IntVector bits) {
        IntVector rounded = bits.add(bits.lanewise(VectorOperators.LSHR, 16).and(1)).add(0x7fff);
        VectorMask<Integer> nan = bits.and(ABSOLUTE).compare(VectorOperators.GT, INFINITY);
        return rounded.blend(bits.or(QUIET), nan).lanewise(VectorOperators.LSHR, 16);
    }
}
