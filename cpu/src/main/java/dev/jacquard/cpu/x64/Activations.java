package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Epilogue;
import dev.jacquard.tensor.op.Nonlinearity;
import java.util.HashMap;
import java.util.Map;

/**
 * Emits functions of vectors in registers, in place, for both instruction sets: about one unit in the last place, and NaN, infinities and numbers whose results are subnormal as in
 * {@link Math}; for sigmoid and SiLU by AVX-512 see {@link #oneAndExp}. Only {@link #TEMPORARIES} registers are needed besides the values (four for {@link #siluBackward}, five for
 * {@link #log}), so that accumulators of a product can stay where they are; AVX-512 also uses mask register {@link #MASK}. One value after the other: the processor overlaps them,
 * since it renames the temporaries.
 *
 * <p>Range reductions, and the polynomials of logarithm and tangent, are those of the Cephes library (S. Moshier, "Methods and Programs for Mathematical Functions", 1989); the
 * exponential's is a least squares fit on Chebyshev nodes. Powers of two by a table are P. Tang's (ACM TOMS 15, 1989).
 */
final class Activations {
    /** Vector registers that most functions overwrite. */
    static final int TEMPORARIES = 3;

    /** Mask register that AVX-512 code overwrites. */
    static final int MASK = 7;

    private static final int LESS = 1;
    private static final int EQUAL = 0;
    private static final int GREATER = 14;
    private static final int NOT_LESS = 5;
    private static final Literal SIGN = Literal.bits(0x80000000);
    private static final Literal MAGNITUDE = Literal.bits(0x7fffffff);
    private static final Literal ONE = Literal.of(1);

    /** Below it, e^x is 0 in float; above the other, infinite. */
    private static final float LOWEST = -104;
    private static final float HIGHEST = 89;

    /** 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits. */
    private static final int ROUND_BITS = 0x4b400000;

    private static final float[] EXP = {1.3744814787060022e-3f, 8.36896151304245e-3f, 4.1669655591249466e-2f, 0.166665181517601f, 0.49999988079071045f, 1, 1};
    /** Parts of a power of two in {@link #oneAndExp}'s table, which two registers hold. */
    private static final int PARTS = 32;
    /** Adding it to a number rounds that to a multiple of 1 / {@link #PARTS}, whose last bits are the sum's last bits. */
    private static final Literal TO_PARTS = Literal.of(1.5f * (1 << 23) / PARTS);
    /** Of {@code vreduceps}: log2 of {@link #PARTS}, and rounding down. */
    private static final int WITHIN_PART = 5 << 4 | 9;
    private static final float LOG2_E = 1.44269504f;
    /** See {@link #takesScaled}. */
    static final Literal MINUS_LOG2_E = Literal.of(-LOG2_E);
    /**
     * 2^r for r from 0 to 1 / {@link #PARTS} is {@code factor ((r + first)^2 + second)}, but for 5.3e-8 of it. The factor goes into the table: what is left of the polynomial is
     * one addition, for which there are units beside those of a product's multiply-adds, and one multiply-add.
     */
    private static final double POWER_FACTOR = 0.24284062842832838;
    private static final Literal POWER_FIRST = Literal.of(1.4271017f);
    private static final Literal POWER_SECOND = Literal.of(2.081308f);
    private static final Literal[] POWERS = table(1);
    private static final Literal[] SCALED_POWERS = table(-LOG2_E);

    private static final float[] LOG = {7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f,
            -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f};
    private static final float[] TANH = {-5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f};

    private final Assembler a;
    private final InstructionSet set;
    private final Vec[] t;
    private final Map<Literal, Vec> held = new HashMap<>();

    /** @param temporaries registers to overwrite, at least {@link #TEMPORARIES}, none of them a value; what is there beyond holds constants while several values are worked on */
    Activations(Assembler a, InstructionSet set, Vec... temporaries) {
        this.a = a;
        this.set = set;
        this.t = temporaries.clone();
    }

    private static Literal[] powers(float factor) {
        return factor == 1 ? POWERS : SCALED_POWERS;
    }

    /** The table's registers. @param factor of each power */
    private static Literal[] table(double factor) {
        Literal[] registers = new Literal[PARTS / 16];
        for (int r = 0; r < registers.length; r++) {
            int[] words = new int[16];
            for (int i = 0; i < words.length; i++) {
                words[i] = Float.floatToRawIntBits((float) (factor * POWER_FACTOR * Math.pow(2, (16.0 * r + i) / PARTS)));
            }
            registers[r] = Literal.each(words);
        }
        return registers;
    }

    /** Applies an activation to values, in place. */
    void apply(Nonlinearity f, Vec... values) {
        if (f == Nonlinearity.SILU && set == InstructionSet.AVX512 && values.length > 1) {
            hold(1);
        }
        for (Vec x : values) {
            switch (f) {
                case NONE -> { }
                case RELU -> relu(x);
                case SILU -> silu(x);
            }
        }
        held.clear();
    }

    /**
     * Whether the argument x of an epilogue's activation comes as {@code -x / ln 2}, to {@link #applyToScaled}: scale and shift are multiplied by {@link #MINUS_LOG2_E} then, once
     * for all rows of a tile, instead of each x.
     */
    static boolean takesScaled(Epilogue e, InstructionSet set) {
        return e.activation() == Nonlinearity.SILU && set == InstructionSet.AVX512 && e.scale() && e.shift() && !e.residual();
    }

    /** Applies the activation to such values. */
    void applyToScaled(Vec... values) {
        holdForScaled();
        for (Vec x : values) {
            scaledSilu(x);
        }
        held.clear();
    }

    /** Loads constants for {@link #scaledSilu} into registers beyond the temporaries, which are theirs from then on. */
    void holdForScaled() {
        hold(-LOG2_E);
    }

    /** SiLU of a vector of such values. */
    void scaledSilu(Vec x) {
        a.vmovups(t[0], x);
        a.vdivps(x, x, oneAndExpOfRest(-LOG2_E));
    }

    /** Loads the constants of {@link #oneAndExp}, as far as there are registers for them: first those that no instruction could read from memory. */
    private void hold(float factor) {
        Literal[] powers = powers(factor);
        Literal[] constants = {powers[0], TO_PARTS, powers[1], Literal.of(factor), POWER_SECOND, POWER_FIRST};
        for (int i = 0; i < constants.length && TEMPORARIES + i < t.length; i++) {
            Vec register = t[TEMPORARIES + i];
            load(register, constants[i]);
            held.put(constants[i], register);
        }
    }

    private void load(Vec to, Literal constant) {
        if (constant.words().size() > 1) {
            a.vmovups(to, constant);
        } else {
            a.vbroadcastss(to, constant);
        }
    }

    /** A constant in a register. @param spare where it goes unless it is held */
    private Vec register(Literal constant, Vec spare) {
        Vec known = held.get(constant);
        if (known == null) {
            load(spare, constant);
        }
        return known == null ? spare : known;
    }

    private Operand operand(Literal constant) {
        Vec known = held.get(constant);
        return known == null ? constant : known;
    }

    /** {@code max(x, 0)}; NaN stays. */
    void relu(Vec x) {
        // Of a NaN and a number the second operand is taken, so x has to be that one.
        a.vxorps(t[0], t[0], t[0]);
        a.vmaxps(x, t[0], x);
    }

    /** {@code x sigmoid(x)}; NaN at negative infinity. */
    void silu(Vec x) {
        if (set == InstructionSet.AVX512) {
            a.vdivps(x, x, oneAndExp(x));
            return;
        }
        expOfNegativeMagnitude(x);
        a.vaddps(t[0], t[2], ONE);
        a.constant(t[1], 1);
        a.vblendvps(t[2], t[1], t[2], x);
        a.vdivps(x, x, t[0]);
        a.vmulps(x, x, t[2]);
    }

    /**
     * {@code 1 + e^-x} in a temporary, by AVX-512: {@code -x / ln 2} is a whole number, which {@code vscalefps} takes as it is, a multiple of 1 / {@link #PARTS}, which a table
     * does, and a rest for which one multiply-add will do. That is a third of what a polynomial alone takes, of a processor whose multiply-adds wait behind those of a product, or
     * before them. Its relative error is about (1.1 + |x|) 2^-24 where x is negative and e^-x matters, because -x / ln 2 is rounded; below -88.7 it is infinite.
     */
    private Vec oneAndExp(Vec x) {
        a.vmulps(t[0], x, MINUS_LOG2_E);
        return oneAndExpOfRest(1);
    }

    /** The same times a factor, 1 or that of scaled arguments, of {@code -x / ln 2} in the first temporary. */
    private Vec oneAndExpOfRest(float factor) {
        Literal[] powers = powers(factor);
        Vec rest = t[0];
        Vec power = t[1];
        a.vaddpsDown(power, rest, register(TO_PARTS, t[2]));
        a.vpermi2ps(power, register(powers[0], t[2]), operand(powers[1]));
        a.vscalefps(power, power, rest);
        a.vreduceps(rest, rest, WITHIN_PART);
        a.vaddps(rest, rest, operand(POWER_FIRST));
        a.vfmadd213ps(rest, rest, operand(POWER_SECOND));
        a.vfmadd213ps(power, rest, operand(Literal.of(factor)));
        return power;
    }

    /** {@code dy s (1 + x (1 - s))}, s = sigmoid(x), in place of dy. Overwrites four temporaries. */
    void siluBackward(Vec dy, Vec x) {
        Vec s = t[3];
        a.vmovups(s, x);
        sigmoid(s);
        a.constant(t[0], 1);
        a.vsubps(t[1], t[0], s);
        a.vfmadd213ps(t[1], x, t[0]);
        a.vmulps(dy, dy, s);
        a.vmulps(dy, dy, t[1]);
    }

    /** y > 0 ? dy : 0, in place of dy. */
    void reluBackward(Vec dy, Vec y) {
        if (set == InstructionSet.AVX512) {
            a.vcmpps(MASK, y, Literal.of(0), GREATER);
            a.vmovups(dy.zeroed(MASK), dy);
        } else {
            a.vcmpps(t[0], y, Literal.of(0), GREATER);
            a.vandps(dy, dy, t[0]);
        }
    }

    /** The gradient of what went into an activation from that of its result, in place of it. @param x what went in; of ReLU, the result will do */
    void backward(Nonlinearity f, Vec dy, Vec x) {
        switch (f) {
            case NONE -> { }
            case RELU -> reluBackward(dy, x);
            case SILU -> siluBackward(dy, x);
        }
    }

    /** {@code 1 / (1 + e^-x)}. */
    void sigmoid(Vec x) {
        if (set == InstructionSet.AVX512) {
            Vec d = oneAndExp(x);
            a.vdivps(x, register(ONE, t[0]), d);
            return;
        }
        expOfNegativeMagnitude(x);
        a.vaddps(t[0], t[2], ONE);
        a.constant(t[1], 1);
        a.vblendvps(x, t[1], t[2], x);
        a.vdivps(x, x, t[0]);
    }

    /** t2 = e^-|x|, which cannot overflow, so that both tails of what is made of it keep their digits. */
    private void expOfNegativeMagnitude(Vec x) {
        a.vorps(t[1], x, SIGN);
        a.constant(t[0], LOWEST);
        a.vmaxps(t[0], t[0], t[1]);
        exp();
    }

    /** {@code e^x}. */
    void exp(Vec x) {
        a.constant(t[0], HIGHEST);
        a.vminps(t[1], t[0], x);
        a.constant(t[0], LOWEST);
        a.vmaxps(t[0], t[0], t[1]);
        exp();
        a.vmovups(x, t[2]);
    }

    /** t2 = e^t0 for t0 from {@link #LOWEST} to {@link #HIGHEST}, or NaN: 2^n e^r with |r| at most half of ln 2. */
    private void exp() {
        boolean wide = set == InstructionSet.AVX512;
        if (wide) {
            a.vmulps(t[1], t[0], Literal.of(1.44269504f));
            a.vrndscaleps(t[1], t[1], 0);
        } else {
            a.constant(t[1], Float.intBitsToFloat(ROUND_BITS));
            a.constant(t[2], 1.44269504f);
            a.vfmadd231ps(t[1], t[0], t[2]);
            a.vsubps(t[1], t[1], Literal.bits(ROUND_BITS));
        }
        a.vfnmadd231ps(t[0], t[1], Literal.of(0.693359375f));
        a.vfnmadd231ps(t[0], t[1], Literal.of(-2.12194440e-4f));
        polynomial(t[2], t[0], EXP);
        if (wide) {
            a.vscalefps(t[2], t[2], t[1]);
            return;
        }
        // In two factors, so that neither under- nor overflows before the product does.
        a.vcvtps2dq(t[1], t[1]);
        a.vpsrad(t[0], t[1], 1);
        a.vpsubd(t[1], t[1], t[0]);
        for (Vec half : new Vec[] {t[0], t[1]}) {
            a.vpaddd(half, half, Literal.bits(127));
            a.vpslld(half, half, 23);
            a.vmulps(t[2], t[2], half);
        }
    }

    /** to = the polynomial at x. @param c factors, that of the highest power first */
    private void polynomial(Vec to, Vec x, float[] c) {
        a.constant(to, c[0]);
        for (int i = 1; i < c.length; i++) {
            a.vfmadd213ps(to, x, Literal.of(c[i]));
        }
    }

    /** Hyperbolic tangent: a polynomial near 0, where 1 - 2 / (e^2x + 1) would cancel. */
    void tanh(Vec x) {
        a.vandps(t[1], x, MAGNITUDE);
        a.vaddps(t[1], t[1], t[1]);
        a.constant(t[0], HIGHEST);
        a.vminps(t[0], t[0], t[1]);
        exp();
        a.vaddps(t[2], t[2], ONE);
        a.constant(t[0], 2);
        a.vdivps(t[2], t[0], t[2]);
        a.constant(t[0], 1);
        a.vsubps(t[2], t[0], t[2]);
        a.vandps(t[0], x, SIGN);
        a.vorps(t[2], t[2], t[0]);
        a.vmulps(t[0], x, x);
        polynomial(t[1], t[0], TANH);
        a.vmulps(t[1], t[1], t[0]);
        a.vfmadd213ps(t[1], x, x);
        a.vandps(t[0], x, MAGNITUDE);
        a.vmovups(x, t[2]);
        choose(x, t[1], t[0], Literal.of(0.625f), LESS, t[0]);
    }

    /** Natural logarithm; -inf at 0, NaN below. Overwrites five temporaries. */
    void log(Vec x) {
        Vec m = t[0];
        Vec e = t[1];
        Vec p = t[2];
        Vec z = t[3];
        mantissaAndExponent(x, m, e, p, z);
        a.vmulps(z, m, m);
        polynomial(p, m, LOG);
        a.vmulps(p, p, m);
        a.vmulps(p, p, z);
        a.vfmadd231ps(p, e, Literal.of(-2.12194440e-4f));
        a.vfmadd231ps(p, z, Literal.of(-0.5f));
        a.vaddps(p, p, m);
        a.vfmadd231ps(p, e, Literal.of(0.693359375f));
        a.constant(z, Float.NaN);
        choose(p, z, x, Literal.of(0), LESS, t[4]);
        a.constant(z, Float.NEGATIVE_INFINITY);
        choose(p, z, x, Literal.of(0), EQUAL, t[4]);
        // Infinity and NaN are their own logarithms.
        choose(p, x, x, Literal.of(Float.POSITIVE_INFINITY), NOT_LESS, t[4]);
        a.vmovups(x, p);
    }

    /** m and e with (m + 1) 2^e = x, m + 1 between the root of a half and that of two. */
    private void mantissaAndExponent(Vec x, Vec m, Vec e, Vec p, Vec z) {
        Literal normal = Literal.of(Float.MIN_NORMAL);
        a.vmovups(m, x);
        a.vmulps(z, x, Literal.of(0x1p23f));
        choose(m, z, x, normal, LESS, t[4]);
        a.vpsrld(e, m, 23);
        a.vpsubd(e, e, Literal.bits(126));
        a.vcvtdq2ps(e, e);
        a.vsubps(z, e, Literal.of(23));
        choose(e, z, x, normal, LESS, t[4]);
        a.vandps(m, m, Literal.bits(0x007fffff));
        a.vorps(m, m, Literal.bits(0x3f000000));
        Literal root = Literal.of(0.707106781186547524f);
        a.vsubps(z, e, ONE);
        choose(e, z, m, root, LESS, t[4]);
        a.vsubps(z, m, ONE);
        a.vaddps(p, z, m);
        choose(z, p, m, root, LESS, t[4]);
        a.vmovups(m, z);
    }

    /** to = left compared with right ? other : to. @param scratch of AVX2, may be left */
    void choose(Vec to, Vec other, Vec left, Operand right, int predicate, Vec scratch) {
        if (set == InstructionSet.AVX512) {
            a.vcmpps(MASK, left, right, predicate);
            a.vmovups(to.masked(MASK), other);
        } else {
            a.vcmpps(scratch, left, right, predicate);
            a.vblendvps(to, to, other, scratch);
        }
    }
}
