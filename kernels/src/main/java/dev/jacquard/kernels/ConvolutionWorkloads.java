package dev.jacquard.kernels;

import dev.jacquard.kernels.ConvolutionPass.Kind;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedConv2d;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the convolutions on tensor cores are measured on: each module, tile and pass, on 3x3 of 14x14 images, and on a stem. */
final class ConvolutionWorkloads {
    private static final long SIDE = 14;
    private static final long CHANNELS = 64;
    private static final Window SAME = Window.of(1, 1);
    private static final List<TensorTile> TILES = List.of(TensorTile.T128X128, TensorTile.T128X64, TensorTile.T64X64);

    private ConvolutionWorkloads() {}

    /** @param batch images per batch */
    static List<Workload> all(long batch) {
        List<Workload> all = new ArrayList<>();
        for (DType dtype : List.of(DType.F16, DType.BF16, DType.F32)) {
            for (Kind kind : Kind.values()) {
                Sample sample = ProductKernels.sample(kind, SAME, 1, batch, SIDE, CHANNELS, CHANNELS, 3);
                TILES.forEach(tile -> all.add(plain(TensorConvolution.module(kind, dtype), sample, "mma " + tile, dtype)));
            }
            Window stem = Window.of(2, 3);
            all.add(plain("conv_stem_" + name(dtype), ProductKernels.sample(Kind.FORWARD, stem, 1, batch, 2 * SIDE, 3, CHANNELS, 7), "mma stem 128x64", dtype));
            all.add(plain("conv_stem_" + name(dtype), ProductKernels.sample(Kind.BACKWARD_WEIGHT, stem, 1, batch, 2 * SIDE, 3, CHANNELS, 7), "mma stem 64x64", dtype));
        }
        TILES.forEach(tile -> all.add(bytes(batch).by("mma " + tile)));
        all.add(stem(batch));
        all.add(followed(batch));
        all.add(statistics(batch));
        return List.copyOf(all);
    }

    private static String name(DType dtype) {
        return dtype == DType.F32 ? "tf32" : dtype.toString();
    }

    private static Workload plain(String module, Sample sample, String candidate, DType dtype) {
        return new Workload(module, sample, ConvolutionPass.ofTypes((Convolution) sample.op(), sample.types()).sizes(0)).by(candidate, dtype);
    }

    /** With all that may follow. Its operands are no part of the module's Traffic, which is of convolutions alone. */
    private static Workload followed(long batch) {
        Sample plain = ProductKernels.sample(Kind.FORWARD, SAME, 1, batch, SIDE, CHANNELS, CHANNELS, 3);
        List<Operand> in = new ArrayList<>(plain.operands());
        in.addAll(List.of(Operand.range(0.5, 1.5, CHANNELS), Operand.of(CHANNELS), Operand.of(batch, SIDE, SIDE, CHANNELS)));
        Sample sample = new Sample(new ConvolutionScaleShift(SAME, 1, Nonlinearity.RELU, true), List.copyOf(in));
        return new Workload(TensorConvolution.module(Kind.FORWARD, DType.F16), sample, ConvolutionPass.ofTypes((Convolution) plain.op(), plain.types()).sizes(0))
                .by("mma 64x64", DType.F16);
    }

    private static Workload statistics(long batch) {
        Sample plain = ProductKernels.sample(Kind.FORWARD, SAME, 1, batch, SIDE, CHANNELS, CHANNELS, 3);
        ConvolutionPass pass = ConvolutionPass.ofTypes((Convolution) plain.op(), plain.types());
        long chunks = Call.blocks(pass.rows(), TensorTile.T64X64.rows());
        Map<String, Long> sizes = new HashMap<>(pass.sizes(0));
        sizes.putAll(Map.of("p", chunks * 2 * CHANNELS, "chunks", chunks, "groups", Call.blocks(chunks, 64), "parts", chunks > 128 ? Call.blocks(chunks, 64) : chunks));
        return new Workload(TensorConvolution.module(Kind.FORWARD, DType.F16), new Sample(new ConvolutionStatistics(SAME, 1), plain.operands()), Map.copyOf(sizes))
                .by("mma 64x64", DType.F16);
    }

    private static Workload bytes(long batch) {
        Operand x = values(batch, SIDE, SIDE, CHANNELS);
        Operand w = values(CHANNELS, 3, 3, CHANNELS);
        Sample sample = Sample.of(new QuantizedConv2d(SAME, 1, Nonlinearity.RELU, 0, DType.I8), x, w, Operand.of(CHANNELS), Operand.of(CHANNELS));
        Map<String, Long> sizes = Map.of("n", batch, "h", SIDE, "w", SIDE, "c", CHANNELS, "k", CHANNELS, "r", 3L, "s", 3L, "g", 1L, "res", 0L, "o", batch * SIDE * SIDE * CHANNELS);
        return new Workload("conv_forward_i8", sample, sizes);
    }

    /** A stem of bytes. */
    private static Workload stem(long batch) {
        Operand x = values(batch, 2 * SIDE, 2 * SIDE, 3);
        Operand w = values(CHANNELS, 7, 7, 3);
        Sample sample = Sample.of(new QuantizedConv2d(Window.of(2, 3), 1, Nonlinearity.RELU, 0, DType.I8), x, w, Operand.of(CHANNELS), Operand.of(CHANNELS));
        Map<String, Long> sizes = Map.of("n", batch, "h", 2 * SIDE, "w", 2 * SIDE, "c", 3L, "k", CHANNELS, "r", 7L, "s", 7L, "res", 0L, "o", batch * SIDE * SIDE * CHANNELS);
        return new Workload("conv_stem_i8", sample, sizes);
    }

    private static Operand values(long... dims) {
        return Operand.integers(DType.I8, Byte.MIN_VALUE, Byte.MAX_VALUE + 1, dims);
    }
}
