package dev.jacquard.cpu.x64;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Emitted functions of both instruction sets against {@link Math}: in units of the last place, and at special values. */
class ActivationsTest {
    /** Functions, what they are, and how many units of the last place they may be off. */
    private enum Function {
        RELU(x -> Math.max(x, 0), 0), SIGMOID(x -> 1 / (1 + Math.exp(-x)), 2.5), SILU(x -> x / (1 + Math.exp(-x)), 3.5), EXP(Math::exp, 1.5), TANH(Math::tanh, 2.5), LOG(Math::log, 2);

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
                case SILU -> f.silu(x);
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
                    check(set + " " + f + " of " + inputs.get(i), f, inputs.get(i), out.getAtIndex(ValueLayout.JAVA_FLOAT, i));
                }
            }
        }
    }

    private static void check(String what, Function f, float x, float got) {
        double want = f.meaning.applyAsDouble(x);
        float rounded = (float) want;
        if (Float.isNaN(rounded) || Float.isInfinite(rounded)) {
            assertEquals(rounded, got, what);
        } else {
            // A product with a subnormal factor has its last place.
            double unit = Math.max(Math.ulp(rounded), f == Function.SILU && Math.abs(rounded) < 1e-35 ? 100 * Float.MIN_VALUE : 0);
            assertTrue(Math.abs(got - want) <= f.ulps * unit + 0.5 * Math.ulp(rounded), () -> what + ": got " + got + ", want " + want);
        }
    }
}
