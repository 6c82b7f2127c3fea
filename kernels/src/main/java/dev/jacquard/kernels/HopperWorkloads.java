package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;

/**
 * What the kernels on wgmma and tensor maps are measured on: every tile in every layout and type, on the 1x1 convolution of 14 x 14 images with 256 channels and its gradients, and
 * 3x3 convolutions.
 */
final class HopperWorkloads {
    private static final long PIXELS = 196;
    private static final long CHANNELS = 256;

    private HopperWorkloads() {}

    /** @param batch images per batch */
    static List<Workload> all(long batch) {
        List<Workload> all = new ArrayList<>();
        for (DType dtype : List.of(DType.F16, DType.BF16)) {
            for (HopperTile tile : HopperTile.values()) {
                all.add(matmul(dtype, batch * PIXELS, CHANNELS, CHANNELS, false, true).by("wgmma " + tile, dtype));
                all.add(matmul(dtype, batch * PIXELS, CHANNELS, CHANNELS, false, false).by("wgmma " + tile, dtype));
                all.add(matmul(dtype, CHANNELS, CHANNELS, batch * PIXELS, true, false).by("wgmma " + tile, dtype));
            }
            for (ConvolutionPass.Kind kind : ConvolutionPass.Kind.values()) {
                all.add(convolution(dtype, kind, Window.of(1, 1), batch, 14, 64).by("wgmma " + HopperTile.NARROW, dtype));
                all.add(convolution(dtype, kind, Window.of(2, 1), batch, 14, 64).by("wgmma " + HopperTile.NARROW, dtype));
            }
        }
        return List.copyOf(all);
    }

    private static Workload matmul(DType dtype, long m, long n, long k, boolean transposeA, boolean transposeB) {
        Operand a = transposeA ? Operand.of(k, m) : Operand.of(m, k);
        Operand b = transposeB ? Operand.of(n, k) : Operand.of(k, n);
        HopperProduct p = HopperProduct.of(new Product(m, n, k, transposeA, transposeB), Epilogue.NONE);
        return new Workload(p.module(dtype), Sample.of(new MatMul(transposeA, transposeB), a, b), p.sizes());
    }

    private static Workload convolution(DType dtype, ConvolutionPass.Kind kind, Window window, long n, long h, long c) {
        Sample sample = ProductKernels.sample(kind, window, 1, n, h, c, c, 3);
        HopperProduct p = HopperProduct.of(ConvolutionPass.ofTypes((Convolution) sample.op(), sample.types()), Epilogue.NONE);
        return new Workload(p.module(dtype), sample, p.sizes());
    }
}
