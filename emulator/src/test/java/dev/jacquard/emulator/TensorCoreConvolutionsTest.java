package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.QuantizedProduct;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedConv2d;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Convolutions on tensor cores: every candidate of every pass against the reference. */
class TensorCoreConvolutionsTest {
    /** A convolution of n images of h x w x c to k channels by r x s taps. */
    private record Problem(Window window, int groups, long n, long h, long w, long c, long k, long r, long s) {
        Sample forward() {
            return Sample.of(new Conv2d(window, groups), x(), weights());
        }

        Sample backwardData() {
            return Sample.of(new Conv2dBackwardData(window, groups, h, w), y(), weights());
        }

        Sample backwardWeight() {
            return Sample.of(new Conv2dBackwardWeight(window, groups, (int) r, (int) s), x(), y());
        }

        Sample followed(Nonlinearity activation, boolean residual) {
            List<Operand> in = new ArrayList<>(List.of(x(), weights(), Operand.range(0.5, 1.5, k), Operand.of(k)));
            if (residual) {
                in.add(y());
            }
            return new Sample(new ConvolutionScaleShift(window, groups, activation, residual), in);
        }

        private Operand x() {
            return Operand.of(n, h, w, c);
        }

        private Operand weights() {
            return Operand.range(-0.25, 0.25, k, r, s, c / groups);
        }

        private Operand y() {
            return Operand.of(n, window.outH(h, r), window.outW(w, s), k);
        }
    }

    private static final List<Problem> PROBLEMS = List.of(
            new Problem(Window.of(1, 1), 1, 2, 7, 9, 24, 40, 3, 3),
            new Problem(Window.of(2, 1), 1, 1, 9, 8, 16, 72, 3, 3),
            new Problem(Window.of(2, 0), 1, 2, 8, 7, 48, 136, 1, 1),
            new Problem(Window.of(1, 2), 1, 1, 6, 7, 8, 8, 5, 5),
            new Problem(Window.of(1, 2).dilated(2), 1, 1, 8, 9, 16, 16, 3, 3),
            new Problem(new Window(3, 2, 0, 2, 1, 0, 1, 2), 1, 1, 10, 9, 16, 8, 2, 3),
            new Problem(Window.of(1, 1), 2, 1, 6, 5, 64, 80, 3, 3),
            new Problem(Window.of(2, 1), 3, 1, 7, 7, 96, 48, 3, 3));

    private static final CandidateBackends BACKENDS = new CandidateBackends(true, EmulatorOptions.DEFAULT);

    @AfterAll
    static void close() {
        BACKENDS.close();
    }

    /** Runs a sample on each of its candidates. @return their names */
    private static Set<String> onEach(Sample sample, DType dtype) {
        return BACKENDS.forEach(sample, dtype, (backend, _, i) -> OpCheck.forward(backend, sample, dtype, Variant.CONTIGUOUS, i, Tolerance::tf32));
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "F32"})
    void everyCandidateIsRight(DType dtype) {
        for (Problem p : dtype == DType.F16 ? PROBLEMS : PROBLEMS.subList(4, PROBLEMS.size())) { // the other types have the same code for shapes
            for (Sample sample : List.of(p.forward(), p.backwardData(), p.backwardWeight())) {
                Set<String> seen = onEach(sample, dtype);
                assertTrue(seen.remove("simt"), seen::toString);
                Set<String> tiles = seen.stream().filter(s -> s.startsWith("mma")).map(s -> s.split(" ")[1]).collect(Collectors.toSet());
                assertEquals(Set.of("128x128", "128x64", "64x64"), tiles, () -> sample + ": " + seen);
            }
        }
    }

    /** Images of three channels and of five, which fill no chunk. */
    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "F32"})
    void stems(DType dtype) {
        for (Problem p : List.of(new Problem(Window.of(2, 3), 1, 2, 11, 14, 3, 72, 7, 7), new Problem(new Window(1, 2, 0, 1, 2, 0, 2, 1), 1, 1, 9, 8, 5, 8, 3, 4))) {
            for (Sample sample : List.of(p.forward(), p.backwardWeight())) {
                Set<String> seen = onEach(sample, dtype);
                assertTrue(seen.stream().anyMatch(s -> s.startsWith("mma stem")), () -> sample + ": " + seen);
            }
            onEach(p.followed(Nonlinearity.RELU, false), dtype);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "F32"})
    void whatFollowsIsRight(DType dtype) {
        assertEquals(3, onEach(PROBLEMS.get(0).followed(Nonlinearity.RELU, true), dtype).stream().filter(s -> s.startsWith("mma") && !s.contains("split")).count());
        onEach(PROBLEMS.get(7).followed(Nonlinearity.SILU, true), dtype);
        onEach(new Problem(Window.of(1, 1), 1, 1, 3, 3, 64, 8, 3, 3).followed(Nonlinearity.NONE, false), dtype);
    }

    /** Tiles that are not full, of one group and of two, a stem, and more tiles than one step combines. */
    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "F32"})
    void statisticsAreRight(DType dtype) {
        List<Problem> problems = List.of(
                PROBLEMS.get(0),
                new Problem(Window.of(1, 1), 2, 1, 6, 5, 32, 128, 3, 3),
                new Problem(Window.of(2, 3), 1, 2, 11, 14, 3, 72, 7, 7),
                new Problem(Window.of(1, 0), 1, 1, 129, 65, 8, 8, 1, 2));
        for (Problem p : problems) {
            Sample sample = Sample.of(new ConvolutionStatistics(p.window(), p.groups()), p.x(), p.weights());
            assertTrue(onEach(sample, dtype).stream().allMatch(s -> s.startsWith("mma")));
        }
    }

    /** Convolutions of bytes: the family's own samples, and one with groups and several tiles. */
    @Test
    void bytes() {
        QuantizedConv2d op = new QuantizedConv2d(new Window(2, 1, 1, 0, 2, 1, 1, 2), 2, Nonlinearity.RELU, 0.25, DType.I8);
        Sample groups = Sample.of(op, bytes(1, 9, 12, 96), bytes(160, 3, 3, 48), Operand.range(0x1p-12, 0x1p-10, 160), Operand.range(-4, 4, 160), bytes(1, 4, 11, 160));
        assertEquals(Set.of("mma 128x128", "mma 128x64", "mma 64x64"), onEach(withExactScales(groups), DType.F32));
        List<Sample> samples = QuantizedProduct.rows().stream().filter(r -> r.type() == QuantizedConv2d.class).findFirst().orElseThrow().samples();
        int ran = 0;
        for (Sample s : samples) {
            boolean whole = s.types().get(0).shape().dim(3) % 16 == 0 && s.types().get(1).shape().dim(0) / ((QuantizedConv2d) s.op()).groups() % 16 == 0
                    && s.types().get(0).shape().size() > 0;
            if (whole) {
                onEach(s, DType.F32);
                ran++;
            }
        }
        assertTrue(ran >= 2, "samples in whole chunks: " + ran);
    }

    static Operand bytes(long... dims) {
        return Operand.integers(DType.I8, Byte.MIN_VALUE, Byte.MAX_VALUE + 1, dims);
    }

    /** Scales and shifts that F32 multiplies and adds exactly, so that bytes can be compared bit for bit. */
    static Sample withExactScales(Sample s) {
        List<Operand> in = new ArrayList<>(s.operands());
        long k = in.get(2).type().shape().dim(0);
        in.set(2, new Operand(TensorType.f32(k), Operand.Fill.GIVEN, 0, 0, new double[] {0x1p-12, 0x1.8p-11, -0x1p-12}));
        in.set(3, new Operand(TensorType.f32(k), Operand.Fill.GIVEN, 0, 0, new double[] {0.5, -3, 7.25, 0}));
        return new Sample(s.op(), in);
    }
}
