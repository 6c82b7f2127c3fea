package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedMatMul;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What the dense products on tensor cores are measured on: every tile in every layout and type, on the 1x1 convolution of 14 x 14 images with 256 channels and its gradients. */
final class TensorWorkloads {
    private static final long PIXELS = 196;
    private static final long CHANNELS = 256;

    private TensorWorkloads() {}

    /** @param batch images per batch */
    static List<Workload> all(long batch) {
        long m = batch * PIXELS;
        List<Workload> all = new ArrayList<>();
        for (DType dtype : List.of(DType.F16, DType.BF16, DType.F32)) {
            String type = dtype == DType.F32 ? "tf32" : dtype.toString();
            for (TensorTile tile : TensorTile.values()) {
                all.add(matmul(type, m, CHANNELS, CHANNELS, false, true).by("mma " + tile, dtype));
                all.add(matmul(type, m, CHANNELS, CHANNELS, false, false).by("mma " + tile, dtype));
                all.add(matmul(type, CHANNELS, CHANNELS, m, true, false).by("mma " + tile, dtype));
            }
            all.add(matmul(type, m, 99, CHANNELS + 1, false, true).by("mma ragged 64x64", dtype));
            all.add(matmul(type, m, CHANNELS + 1, 99, false, false).by("mma ragged 64x64", dtype));
            all.add(matmul(type, 99, CHANNELS + 1, m, true, false).by("mma ragged 64x64", dtype));
        }
        for (TensorTile tile : TensorTile.values()) {
            all.add(bytes(m, CHANNELS, CHANNELS, 0).by("mma " + tile));
        }
        all.add(bytes(m, CHANNELS, CHANNELS, 1).by("mma 128x128"));
        all.add(bytes(m, 99, CHANNELS + 1, 0).by("mma ragged 64x64"));
        all.add(shift(m));
        all.add(statistics(batch));
        return List.copyOf(all);
    }

    private static Workload matmul(String type, long m, long n, long k, boolean transposeA, boolean transposeB) {
        Operand a = transposeA ? Operand.of(k, m) : Operand.of(m, k);
        Operand b = transposeB ? Operand.of(n, k) : Operand.of(k, n);
        String module = (transposeB ? "matmul_" : "matmul_backward_") + type;
        return new Workload(module, Sample.of(new MatMul(transposeA, transposeB), a, b), Map.of("m", m, "n", n, "k", k, "y", m * n, "p", 0L));
    }

    private static Workload bytes(long m, long n, long k, double residualScale) {
        List<Operand> operands = new ArrayList<>(List.of(values(m, k), values(n, k), Operand.of(n), Operand.of(n)));
        if (residualScale != 0) {
            operands.add(values(m, n));
        }
        Sample sample = new Sample(new QuantizedMatMul(Nonlinearity.RELU, residualScale, DType.I8), List.copyOf(operands));
        return new Workload("matmul_i8", sample, Map.of("m", m, "n", n, "k", k, "r", residualScale != 0 ? m * n : 0L, "o", m * n));
    }

    private static Operand values(long rows, long columns) {
        return Operand.integers(DType.I8, Byte.MIN_VALUE, Byte.MAX_VALUE + 1, rows, columns);
    }

    /** Behind the sums that a kernel on the CUDA cores leaves. */
    private static Workload shift(long m) {
        Product product = new Product(m, CHANNELS, CHANNELS, false, true);
        Sample sample = Sample.of(new MatMulShift(false, true, Nonlinearity.SILU), Operand.of(m, CHANNELS), Operand.of(CHANNELS, CHANNELS), Operand.of(CHANNELS));
        return new Workload("split_sum", sample, product.sizesOfSums(CHANNELS)).by("simt");
    }

    /** Of so many tiles that they are combined in two steps. */
    private static Workload statistics(long batch) {
        long side = 64;
        long c = 16;
        long k = 32;
        int tile = TensorTile.T64X64.rows();
        long rows = 3 * batch * side * side;
        long chunks = Call.blocks(rows, tile);
        Sample sample = Sample.of(new ConvolutionStatistics(Window.of(1, 0), 1), Operand.of(3 * batch, side, side, c), Operand.of(k, 1, 1, c));
        Map<String, Long> sizes = Map.of("m", rows, "n", k, "k", c, "y", rows * k, "p", chunks * 2 * k, "c", k, "chunks", chunks, "groups", Call.blocks(chunks, 64), "parts",
                Call.blocks(chunks, 64));
        return new Workload("column_statistics", sample, sizes).by("mma 64x64", DType.F16);
    }
}
