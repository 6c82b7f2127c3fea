package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tck.Case;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.Metadata24;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Sparse24.SparseMatMulShift;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Scale and shift of half-precision results are F32, and no engine rounds them on the way: products of ones are scaled by a little more than 1 and nearly cancelled, so that what
 * is left are the digits that a half has not. Tolerances, which follow the size of what is summed, would not see these.
 */
class EpilogueTypesTest {
    private static final double STEP = 0x1p-14;
    private static final double SCALE = 1 + STEP;

    @AfterAll
    static void close() {
        TensorCoreProductsTest.close();
    }

    private static Operand all(double value, long... dims) {
        return new Operand(TensorType.f32(dims), Operand.Fill.GIVEN, 0, 0, value);
    }

    /** That so many ones cancel but for four steps. */
    private static double shift(long depth) {
        return -depth + 4 * STEP;
    }

    /** @param want every element of the result @return the names of all ways, without their tiles */
    private static Set<String> onEachCandidate(Sample sample, DType half, double want) {
        Set<String> seen = new TreeSet<>();
        new CandidateBackends(false, EmulatorOptions.DEFAULT).forEach(sample, half, (cuda, _, turn) -> {
            Case c = new Case(cuda.name(), sample.withDType(half), half, "exact", turn);
            List<double[]> values = c.values();
            try (Scope scope = Scope.open(cuda)) {
                List<Tensor> in = new ArrayList<>();
                IntStream.range(0, values.size()).forEach(i -> in.add(scope.tensor(c.sample().types().get(i), values.get(i))));
                for (double got : ((EagerTensor) scope.apply(sample.op(), in).getFirst()).doubles()) {
                    assertEquals(want, got, c + ", candidate " + turn);
                }
            }
        }).forEach(name -> seen.add(name.replaceFirst(" \\d.*", "")));
        return seen;
    }

    private static void assertSeen(Set<String> names, String... wanted) {
        assertTrue(names.containsAll(List.of(wanted)), names.toString());
    }

    private static Set<String> product(DType half, long m, long n, long k) {
        Op op = new MatMulShift(false, true, Nonlinearity.NONE);
        return onEachCandidate(Sample.of(op, all(1, m, k), all(1, n, k), all(shift(k), n)), half, 4 * STEP);
    }

    private static Set<String> convolution(DType half, int groups, long c, long k, long r) {
        long depth = r * r * c / groups;
        Sample sample = Sample.of(new ConvolutionScaleShift(Window.of(1, 0), groups, Nonlinearity.RELU, false), all(1, 1, 6, 6, c), all(1, k, r, r, c / groups), all(SCALE, k),
                all(shift(depth), k));
        return onEachCandidate(sample, half, (depth + 4) * STEP);
    }

    /** Rows in whole chunks and ragged ones, a depth that is split; each with the kernels on CUDA cores, tensor cores and, where rows allow it, wgmma. */
    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void products(DType half) {
        assertSeen(product(half, 24, 40, 16), "simt", "mma", "wgmma");
        assertSeen(product(half, 9, 21, 17), "simt", "mma ragged");
        product(half, 8, 16, 512);
    }

    /** As a product, of taps, of groups (where they come in packs and where not), of images with few channels. */
    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void convolutions(DType half) {
        assertSeen(convolution(half, 1, 16, 24, 1), "simt", "mma", "wgmma");
        assertSeen(convolution(half, 1, 16, 24, 3), "simt", "mma", "wgmma");
        assertSeen(convolution(half, 16, 64, 64, 3), "grouped");
        assertSeen(convolution(half, 1, 3, 16, 3), "simt", "mma stem");
        assertEquals(Set.of("depthwise"), convolution(half, 16, 16, 16, 3));
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void sparseProducts(DType half) {
        for (long k : new long[] {32, 544}) {
            Operand metadata = new Operand(new Metadata24(24, k, false).type(), Operand.Fill.GIVEN, 0, 0, 0x44444444);
            Sample sample = Sample.of(new SparseMatMulShift(Nonlinearity.NONE), all(1, 12, k), all(1, 24, k / 2), metadata, all(shift(k / 2), 24));
            assertSeen(onEachCandidate(sample, half, 4 * STEP), "mma.sp", "expand, simt", "expand, mma");
        }
    }
}
