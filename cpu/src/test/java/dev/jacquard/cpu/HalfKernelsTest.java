package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Halves;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.HostBuffer;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.FusedNormalization.ScaleShift;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Normalization;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Ops on halves, larger than a block and of odd sizes: the bits of the F32 op on the same numbers, rounded once, for any team and either kind of loops. */
class HalfKernelsTest {
    private static final Window SAME = new Window(1, 1, 1, 1, 1, 1, 1, 1);
    private static final Window HALVED = new Window(2, 2, 1, 1, 1, 1, 1, 1);
    private static final Window NONE = new Window(1, 1, 0, 0, 0, 0, 1, 1);

    /** An op and the shapes of its inputs. */
    private record Case(Op op, long[]... shapes) {
        @Override
        public String toString() {
            return op + " on " + Arrays.deepToString(shapes);
        }

        private List<TensorType> types(DType type) {
            List<TensorType> all = new ArrayList<>();
            for (int i = 0; i < shapes.length; i++) {
                all.add(TensorType.of(op.wide(i) ? DType.F32 : type, shapes[i]));
            }
            return all;
        }
    }

    static Stream<Case> cases() {
        long[] x = {3, 9, 7, 83};
        long[] c = {83};
        return Stream.of(
                new Case(new Pointwise.Relu(), x),
                new Case(new Pointwise.Silu(), new long[] {1}),
                new Case(new Pointwise.SiluBackward(), x, x),
                new Case(new Pointwise.Add(), new long[] {40_003}, new long[] {40_003}),
                new Case(new Pointwise.Sub(), new long[] {40_003}, new long[] {1}),
                new Case(new Pointwise.Mul(), x, new long[] {3, 1, 1, 83}),
                new Case(new Pointwise.Max(), new long[] {3, 9, 7, 1}, x),
                new Case(new Pointwise.MulAdd(), x, c, c),
                new Case(new Pointwise.MulAdd(), new long[] {5, 2311}, new long[] {5, 1}, new long[] {2311}),
                new Case(new Normalization.BatchNorm(1e-5), new long[] {701, 83}, c, c),
                new Case(new Normalization.BatchNorm(1e-5), new long[] {5, 3}, new long[] {3}, new long[] {3}),
                new Case(new Normalization.BatchNormBackward(1e-5), new long[] {701, 83}, new long[] {701, 83}, c, c, c),
                new Case(new Convolution.Conv2d(NONE, 1), x, new long[] {70, 1, 1, 83}),
                new Case(new Convolution.Conv2d(SAME, 1), x, new long[] {70, 3, 3, 83}),
                new Case(new Convolution.Conv2d(SAME, 1), new long[] {13, 3, 3, 40}, new long[] {70, 3, 3, 40}),
                new Case(new Convolution.Conv2d(HALVED, 83), x, new long[] {83, 3, 3, 1}),
                new Case(new Convolution.Conv2dBackwardData(NONE, 1, 9, 7), x, new long[] {83, 1, 1, 70}),
                new Case(new Convolution.Conv2dBackwardData(HALVED, 1, 18, 14), x, new long[] {83, 3, 3, 70}),
                new Case(new Convolution.Conv2dBackwardData(SAME, 1, 3, 3), new long[] {13, 3, 3, 40}, new long[] {40, 3, 3, 70}),
                new Case(new Convolution.Conv2dBackwardWeight(SAME, 1, 3, 3), x, new long[] {3, 9, 7, 70}),
                new Case(new Convolution.Conv2dBackwardWeight(NONE, 1, 1, 1), x, new long[] {3, 9, 7, 70}),
                new Case(new MatMul(false, true), new long[] {37, 300}, new long[] {70, 300}));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void equalsTheRoundedF32Op(Case c) {
        for (DType half : new DType[] {DType.F16, DType.BF16}) {
            for (Simd simd : new Simd[] {Kernels.get(), Kernels.scalar()}) {
                try (CpuBackend one = new CpuBackend(1, simd, Kernels.code()); CpuBackend three = new CpuBackend(3, simd, Kernels.code())) {
                    List<View> in = inputs(c.types(half), half);
                    List<View> wide = wide(in);
                    List<View> want = run(one, c.op, wide);
                    for (CpuBackend backend : new CpuBackend[] {one, three}) {
                        check(want, run(backend, c.op, in), half + ", " + backend.description() + ": " + c);
                    }
                }
            }
        }
    }

    /** F32 has no kernel for it, so that the arithmetic is said here. */
    @Test
    void scaleShiftIsRoundedOnce() {
        Case c = new Case(new ScaleShift(Nonlinearity.RELU, true), new long[] {701, 83}, new long[] {83}, new long[] {83}, new long[] {701, 83});
        for (DType half : new DType[] {DType.F16, DType.BF16}) {
            List<View> in = inputs(c.types(half), half);
            List<Long> at = wide(in).stream().map(Call::address).toList();
            View want = View.of(HostBuffer.allocate(4 * 701 * 83), TensorType.f32(701, 83));
            for (int i = 0; i < 701 * 83; i++) {
                float y = Math.fma(Raw.get(at.get(0) + 4L * i), Raw.get(at.get(1) + 4L * (i % 83)), Raw.get(at.get(2) + 4L * (i % 83))) + Raw.get(at.get(3) + 4L * i);
                Raw.set(Call.address(want) + 4L * i, Math.max(y, 0));
            }
            for (int threads = 1; threads < 4; threads += 2) {
                try (CpuBackend backend = new CpuBackend(threads)) {
                    check(List.of(want), run(backend, c.op, in), half + ", " + threads + " threads: " + c);
                }
            }
        }
    }

    private static void check(List<View> want, List<View> got, String what) {
        for (int o = 0; o < got.size(); o++) {
            View g = got.get(o);
            View w = want.get(o);
            for (long i = 0; i < g.shape().size(); i++) {
                float f = Raw.get(Call.address(w) + 4 * i);
                float rounded = switch (g.dtype()) {
                    case F16 -> Float.float16ToFloat(Float.floatToFloat16(f));
                    case BF16 -> Halves.bf16ToFloat(Halves.floatToBf16(f));
                    default -> f;
                };
                assertEquals(rounded, (float) Raw.get(Call.address(g) + g.dtype().bytes() * i, g.dtype()), what + ", output " + o + ", element " + i);
            }
        }
    }

    private static List<View> inputs(List<TensorType> types, DType half) {
        Random random = new Random(7);
        List<View> all = new ArrayList<>();
        for (TensorType t : types) {
            View v = View.of(HostBuffer.allocate(t.bytes()), t);
            for (long i = 0; i < t.shape().size(); i++) {
                // Positive where it may be a variance.
                Raw.set(Call.address(v) + t.dtype().bytes() * i, t.dtype(), t.dtype() == half ? random.nextGaussian() : 0.5 + random.nextDouble());
            }
            all.add(v);
        }
        return all;
    }

    private static List<View> wide(List<View> in) {
        return in.stream().map(v -> {
            View w = View.of(HostBuffer.allocate(4 * v.shape().size()), v.type().withDType(DType.F32));
            for (long i = 0; i < v.shape().size(); i++) {
                Raw.set(Call.address(w) + 4 * i, (float) Raw.get(Call.address(v) + v.dtype().bytes() * i, v.dtype()));
            }
            return w;
        }).toList();
    }

    private static List<View> run(CpuBackend backend, Op op, List<View> in) {
        List<TensorType> types = in.stream().map(View::type).toList();
        List<View> out = op.infer(types).stream().map(t -> View.of(HostBuffer.allocate(t.bytes()), t)).toList();
        try (Buffer workspace = HostBuffer.allocate(backend.workspace(op, types))) {
            backend.prepare(op, in, out, workspace).run();
        }
        return out;
    }
}
