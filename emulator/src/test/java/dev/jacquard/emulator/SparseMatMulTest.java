package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.kernels.Workload;
import dev.jacquard.kernels.WorkloadRun;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Metadata24;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Sparse24.QuantizedSparseMatMul;
import dev.jacquard.tensor.op.Sparse24.SparseMatMul;
import dev.jacquard.tensor.op.Sparse24.SparseMatMulShift;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** 2:4 sparse products on tensor cores: every candidate against the reference. */
class SparseMatMulTest {
    /** Words in which every pair of places comes at every place. */
    private static final double[] WORDS = IntStream.range(0, 7).mapToDouble(SparseMatMulTest::word).toArray();

    private static int word(int i) {
        int[] nibbles = {4, 8, 12, 9, 13, 14};
        return IntStream.range(0, 8).map(j -> nibbles[(i + j) % 6] << 4 * j).reduce(0, (a, b) -> a | b);
    }

    @AfterAll
    static void close() {
        TensorCoreProductsTest.close();
    }

    private static Operand metadata(int n, int k, boolean bytes) {
        return new Operand(new Metadata24(n, k, bytes).type(), Operand.Fill.GIVEN, 0, 0, WORDS);
    }

    @ParameterizedTest
    @CsvSource({"128, 128, 64, F16", "1, 8, 16, F16", "130, 257, 96, F16", "33, 66, 208, BF16", "20, 72, 320, BF16"})
    void everyFloatingCandidateIsRight(int m, int n, int k, DType dtype) {
        Sample sample = Sample.of(new SparseMatMul(), Operand.of(m, k), Operand.of(n, k / 2), metadata(n, k, false));
        Set<String> seen = new TreeSet<>();
        TensorCoreProductsTest.onEachCandidate(sample, dtype, false).forEach(s -> seen.add(s.replaceFirst(" split \\d+", "")));
        assertTrue(seen.containsAll(Set.of("mma.sp 256x128", "mma.sp 128x128", "mma.sp 64x32", "expand, simt")), seen.toString());
    }

    @ParameterizedTest
    @CsvSource({"64, 128, 128, NONE, I8", "130, 257, 32, RELU, F16", "33, 66, 224, SILU, F32", "40, 72, 320, RELU, BF16"})
    void everyQuantizedCandidateIsRight(int m, int n, int k, Nonlinearity activation, DType to) {
        double step = Math.scalb(1.0, -14);
        Sample sample = Sample.of(new QuantizedSparseMatMul(activation, 0, to), Operand.integers(DType.I8, -128, 128, m, k), Operand.integers(DType.I8, -128, 128, n, k / 2),
                metadata(n, k, true),
                new Operand(TensorType.f32(n), Operand.Fill.GIVEN, 0, 0, step, 2 * step, 3 * step, -step),
                new Operand(TensorType.f32(n), Operand.Fill.GIVEN, 0, 0, 0.5, -3, 7.25, 0, -0.5));
        Set<String> seen = TensorCoreProductsTest.onEachCandidate(sample, DType.F32, false);
        assertTrue(seen.containsAll(Set.of("mma.sp 256x128", "mma.sp 128x128", "mma.sp 64x32")) && seen.stream().anyMatch(s -> s.startsWith("expand, mma")), seen.toString());
    }

    @ParameterizedTest
    @CsvSource({"33, 68, 96, RELU, F16", "5, 67, 544, SILU, BF16"})
    void whatFollowsIsRight(int m, int n, int k, Nonlinearity activation, DType dtype) {
        Sample sample = Sample.of(new SparseMatMulShift(activation), Operand.of(m, k), Operand.of(n, k / 2), metadata(n, k, false), Operand.of(n));
        Set<String> seen = TensorCoreProductsTest.onEachCandidate(sample, dtype, false);
        assertTrue(seen.stream().anyMatch(s -> s.startsWith("mma.sp 64x32" + (k > 256 ? " split" : ""))), seen.toString());
    }

    @Test
    void aResidualIsAdded() {
        int m = 40;
        int n = 72;
        int k = 160;
        Sample sample = Sample.of(new QuantizedSparseMatMul(Nonlinearity.RELU, 0.5, DType.I8), Operand.integers(DType.I8, -128, 128, m, k),
                Operand.integers(DType.I8, -128, 128, n, k / 2),
                metadata(n, k, true), new Operand(TensorType.f32(n), Operand.Fill.GIVEN, 0, 0, 0x1p-10, 0x1p-11, -0x1p-11),
                new Operand(TensorType.f32(n), Operand.Fill.GIVEN, 0, 0, 0.5, -3, 7.25, 0), Operand.integers(DType.I8, -128, 128, m, n));
        assertTrue(TensorCoreProductsTest.onEachCandidate(sample, DType.F32, false).contains("mma.sp 64x32"));
    }

    /** Bytes that the blocks of a tile algorithm load: each its rows of values and of x, its metadata, and scales and shifts of bytes. */
    private static long tiles(int rows, int columns, int m, int n, int k, int bytes) {
        return (long) n / rows * (m / columns) * ((long) rows * k / 2 * bytes + (long) columns * k * bytes + rows * k / 8L + (bytes == 1 ? 8L * rows : 0));
    }

    @ParameterizedTest
    @CsvSource({"256x128, 256, 128, F16, 3", "128x128, 128, 128, BF16, 5", "64x32, 64, 32, F16, 5", "256x128, 256, 128, I8, 6", "128x128, 128, 128, I8, 5", "64x32, 64, 32, I8, 5"})
    void noConflictsAndNoByteTwice(String tile, int rows, int columns, DType dtype, int stages) {
        int m = 256;
        int n = 256;
        boolean bytes = dtype == DType.I8;
        int k = stages * (bytes ? 128 : 64);
        Sample sample = bytes
                ? Sample.of(new QuantizedSparseMatMul(Nonlinearity.NONE, 0, DType.I8), Operand.integers(DType.I8, -128, 128, m, k), Operand.integers(DType.I8, -128, 128, n, k / 2),
                        metadata(n, k, true), Operand.of(n), Operand.of(n))
                : Sample.of(new SparseMatMul(), Operand.of(m, k), Operand.of(n, k / 2), metadata(n, k, false));
        EmulatorDriver driver = new EmulatorDriver(EmulatorOptions.DEFAULT.counting(true));
        MatrixOptions options = new MatrixOptions(false, (_, _, names) -> IntStream.range(0, names.size()).filter(i -> names.get(i).startsWith("mma.sp " + tile)).findFirst()
                .orElseThrow());
        try (CudaBackend cuda = new CudaBackend("emulator", driver, false, options);
                WorkloadRun run = WorkloadRun.of(cuda, new Workload("matmul_sparse_f16", sample, Map.of()), bytes ? DType.F32 : dtype, 1).orElseThrow()) {
            driver.takeStats();
            run.run();
            LaunchStats s = driver.takeStats().getFirst();
            assertTrue(s.kernel().contains("sparse_matmul_" + tile), s.kernel());
            assertEquals(0, s.bankConflicts());
            double own = tiles(rows, columns, m, n, k, dtype.bytes());
            assertTrue(s.loads().sectors() * 32 <= 1.1 * own, s.loads() + ", the tiles' own count is " + own);
            assertEquals(1, s.stores().sectorRatio());
            assertEquals((long) m * n * k / (16 * 8 * (bytes ? 64 : 32)), s.instructions().get(LaunchStats.Kind.TENSOR));
        }
    }
}
