package dev.jacquard.cpu.x64;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.jacquard.tensor.op.Nonlinearity;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Emitted functions of both instruction sets against {@link Math}: in units of the last place, over all exponents, and at special values. */
class ActivationsTest {
    /** Functions, what they are, and how many units of the last place they may be off. */
    private enum Function {
        RELU(x -> Math.max(x, 0), 0), SIGMOID(x -> 1 / (1 + Math.exp(-x)), 2.5), SILU(x -> x / (1 + Math.exp(-x)), 3.5), SCALED(SILU.meaning, 5), EXP(Math::exp, 1.5),
                TANH(Math::tanh, 2.5), LOG(Math::log, 2);

        private final DoubleUnaryOperator meaning;
        private final double ulps;

        Function(DoubleUnaryOperator meaning, double ulps) {
            this.meaning = meaning;
            this.ulps = ulps;
        }
    }

    /** Applies a function to one vector: from rdi to rsi. */
    private record OneVector(InstructionSet set, Function function) implements Kernel.Spec {
        @Override
        public void emit(Assembler a) {
            Vec x = set.vec(set.registers() - 1);
            Activations f = new Activations(a, set, set.vec(0), set.vec(1), set.vec(9), set.vec(3), set.vec(4));
            a.vmovups(x, Mem.at(Gp.RDI));
            switch (function) {
                case RELU -> f.relu(x);
                case SIGMOID -> f.sigmoid(x);
                case SILU, SCALED -> f.silu(x);
                case EXP -> f.exp(x);
                case TANH -> f.tanh(x);
                case LOG -> f.log(x);
            }
            a.vmovups(Mem.at(Gp.RSI), x);
            a.vzeroupper();
            a.ret();
        }
    }

    private static List<Float> inputs() {
        List<Float> all = new ArrayList<>(List.of(0f, -0f, 1f, -1f, 0.625f, -0.625f, 0x1p-149f, -0x1p-149f,
                1e-30f, -1e-30f, 87f, -87f, 88.7f, 88.8f, -88f, 100f, -100f, -103.9f, 104f, -104f, 200f, -200f, 3e38f, -3e38f,
                Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NaN, Float.MIN_NORMAL, -Float.MIN_NORMAL, 0.7071067f, 0.70710677f));
        Random random = new Random(5);
        for (int exponent = 0; exponent < 256; exponent++) {
            for (int i = 0; i < 40; i++) {
                all.add(Float.intBitsToFloat((i & 1) << 31 | exponent << 23 | random.nextInt(1 << 23)));
            }
        }
        for (int i = 0; i < 60_000; i++) {
            all.add((random.nextFloat() - 0.5f) * (i % 3 == 0 ? 200 : i % 3 == 1 ? 20 : 1));
        }
        while (all.size() % 16 != 0) {
            all.add(Float.intBitsToFloat(random.nextInt()));
        }
        return all;
    }

    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void areThoseOfMath(InstructionSet set) {
        assumeTrue(CpuFeatures.get().has(set), () -> "this processor has no " + set);
        List<Float> inputs = inputs();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment in = arena.allocate(4L * inputs.size(), 64);
            MemorySegment out = arena.allocate(4L * inputs.size(), 64);
            for (int i = 0; i < inputs.size(); i++) {
                in.setAtIndex(ValueLayout.JAVA_FLOAT, i, inputs.get(i));
            }
            for (Function f : Function.values()) {
                Kernel k = Kernel.of(new OneVector(set, f));
                for (long i = 0; i < in.byteSize(); i += set.bytes()) {
                    k.run(in.address() + i, out.address() + i, 0, 0, 0, 0);
                }
                for (int i = 0; i < inputs.size(); i++) {
                    check(set + " " + f + " of " + inputs.get(i), set, f, inputs.get(i), out.getAtIndex(ValueLayout.JAVA_FLOAT, i));
                }
            }
        }
    }

    private static void check(String what, InstructionSet set, Function f, float x, float got) {
        double want = f.meaning.applyAsDouble(x);
        float rounded = (float) want;
        if (Float.isNaN(rounded) || Float.isInfinite(rounded)) {
            assertEquals(rounded, got, what);
        } else {
            double allowed = f.ulps * unit(f, rounded) + 0.5 * Math.ulp(rounded) + (set == InstructionSet.AVX512 ? ofRoundedExponent(f, x, want) : 0);
            assertTrue(Math.abs(got - want) <= allowed, () -> what + ": got " + got + ", want " + want);
        }
        if (x == 0 && (f == Function.SILU || f == Function.SCALED)) {
            assertEquals(Float.floatToRawIntBits(x), Float.floatToRawIntBits(got), what);
        }
    }

    /** The last place of a result. A product with a subnormal factor has its last place. */
    private static double unit(Function f, float result) {
        return Math.max(Math.ulp(result), (f == Function.SILU || f == Function.SCALED) && Math.abs(result) < 1e-35 ? 100 * Float.MIN_VALUE : 0);
    }

    /** Of sigmoid and SiLU by AVX-512, whose exponent -x / ln 2 is rounded, and whose e^-x is infinite from 88.7 on. */
    private static double ofRoundedExponent(Function f, float x, double want) {
        if (x >= 0 || f != Function.SILU && f != Function.SCALED && f != Function.SIGMOID) {
            return 0;
        }
        return x < -88 ? Math.abs(want) : 1.3 * -x * 0x1p-24 * Math.abs(want);
    }

    /** Applies SiLU to sixteen vectors at once, with so many temporaries: from rdi to rsi. */
    private record Vectors(InstructionSet set, int temporaries, int count) implements Kernel.Spec {
        @Override
        public void emit(Assembler a) {
            Vec[] values = IntStream.range(0, count).mapToObj(set::vec).toArray(Vec[]::new);
            for (int i = 0; i < count; i++) {
                a.vmovups(values[i], Mem.at(Gp.RDI, i * set.bytes()));
            }
            new Activations(a, set, IntStream.range(count, count + temporaries).mapToObj(set::vec).toArray(Vec[]::new)).apply(Nonlinearity.SILU, values);
            for (int i = 0; i < count; i++) {
                a.vmovups(Mem.at(Gp.RSI, i * set.bytes()), values[i]);
            }
            a.vzeroupper();
            a.ret();
        }
    }

    /** SiLU of arguments that a kernel has scaled: as accurate, but for the scaling's own rounding. */
    @Test
    void takesScaledArguments() {
        assumeTrue(CpuFeatures.get().has(InstructionSet.AVX512), "this processor has no AVX-512");
        List<Float> inputs = inputs();
        InstructionSet set = InstructionSet.AVX512;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment at = arena.allocate(64, 64);
            for (int first = 0; first < inputs.size(); first += 16) {
                for (int i = 0; i < 16; i++) {
                    at.setAtIndex(ValueLayout.JAVA_FLOAT, i, inputs.get(first + i));
                }
                Kernel.of(new Scaled(set)).run(at.address(), at.address(), 0, 0, 0, 0);
                for (int i = 0; i < 16; i++) {
                    float x = inputs.get(first + i);
                    if (!Float.isFinite(x) || Math.abs(x) < 2e38f && Math.abs(x) > 1e-30f || x == 0) {
                        check("SiLU of scaled " + x, set, Function.SCALED, x, at.getAtIndex(ValueLayout.JAVA_FLOAT, i));
                    }
                }
            }
        }
    }

    private record Scaled(InstructionSet set) implements Kernel.Spec {
        @Override
        public void emit(Assembler a) {
            Vec x = set.vec(9);
            a.vmovups(x, Mem.at(Gp.RDI));
            a.vmulps(x, x, Activations.MINUS_LOG2_E);
            new Activations(a, set, set.vec(0), set.vec(1), set.vec(2), set.vec(3)).applyToScaled(x);
            a.vmovups(Mem.at(Gp.RSI), x);
            a.vzeroupper();
            a.ret();
        }
    }

    /** However many constants stay in registers, and however many values follow one another. */
    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void constantsThatAreHeldChangeNothing(InstructionSet set) {
        assumeTrue(CpuFeatures.get().has(set), () -> "this processor has no " + set);
        List<Float> inputs = inputs().subList(0, 16 * 60);
        for (int temporaries = Activations.TEMPORARIES; temporaries <= (set == InstructionSet.AVX512 ? 11 : 6); temporaries++) {
            for (int count : new int[] {1, 2, 5, 10}) {
                try (Arena arena = Arena.ofConfined()) {
                    long bytes = (long) count * set.bytes();
                    MemorySegment in = arena.allocate(bytes, 64);
                    MemorySegment out = arena.allocate(bytes, 64);
                    MemorySegment one = arena.allocate(set.bytes(), 64);
                    int floats = (int) (bytes / 4);
                    for (int first = 0; first + floats <= inputs.size(); first += floats) {
                        for (int i = 0; i < floats; i++) {
                            in.setAtIndex(ValueLayout.JAVA_FLOAT, i, inputs.get(first + i));
                        }
                        Kernel.of(new Vectors(set, temporaries, count)).run(in.address(), out.address(), 0, 0, 0, 0);
                        for (int v = 0; v < count; v++) {
                            Kernel.of(new OneVector(set, Function.SILU)).run(in.address() + (long) v * set.bytes(), one.address(), 0, 0, 0, 0);
                            assertEquals(-1, out.asSlice((long) v * set.bytes(), set.bytes()).mismatch(one), set + ", " + temporaries + " temporaries, vector " + v
                                    + " of " + count);
                        }
                    }
                }
            }
        }
    }
}
