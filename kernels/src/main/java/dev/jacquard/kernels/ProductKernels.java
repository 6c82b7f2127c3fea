package dev.jacquard.kernels;

import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedConv2d;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedMatMul;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The matrix product and the three passes of convolution. */
final class ProductKernels {
    private ProductKernels() {}

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        return Map.of(
                MatMul.class, new MatMulKernel(),
                MatMulShift.class, new MatMulKernel.Shift(),
                ConvolutionStatistics.class, new ConvolutionStatisticsKernel(),
                QuantizedMatMul.class, new MatMulKernel.Quantized(),
                ConvolutionScaleShift.class, new ConvolutionKernel.ScaleShift(),
                QuantizedConv2d.class, new ConvolutionKernel.Quantized(),
                Conv2d.class, new ConvolutionKernel(),
                Conv2dBackwardData.class, new ConvolutionKernel(),
                Conv2dBackwardWeight.class, new ConvolutionKernel());
    }

    /** What the kernels are measured on. @param batch images per batch: 1 or 2 to count, 64 or more to time */
    static List<Workload> workloads(long batch) {
        List<Workload> all = new ArrayList<>();
        all.add(matmul(batch * 196, 96, 256, false, true).by("simt")); // a 1x1 convolution of 14x14 images, its gradients
        all.add(matmul(batch * 196, 256, 96, false, false).by("simt"));
        all.add(matmul(96, 256, batch * 196, true, false).by("simt"));
        all.add(new Workload("split_sum", all.getLast().sample(), all.getLast().sizes()).by("simt"));
        all.addAll(TensorWorkloads.all(batch));
        all.addAll(ConvolutionWorkloads.all(batch));
        for (ConvolutionPass.Kind kind : ConvolutionPass.Kind.values()) {
            all.add(convolution(kind, Window.of(1, 1), 1, batch, 14, 64, 64, 3));
            all.add(convolution(kind, Window.of(2, 1), 1, batch, 28, 64, 64, 3));
            all.add(convolution(kind, Window.of(1, 1), 4, batch, 14, 128, 128, 3));
            all.add(depthwise(kind, Window.of(1, 1), batch, 56, 144, 3));
            all.add(depthwise(kind, Window.of(2, 1), batch, 56, 144, 3));
            all.add(depthwise(kind, Window.of(1, 2), batch, 28, 240, 5));
            all.add(depthwise(kind, Window.of(2, 2), batch, 28, 240, 5));
        }
        all.add(depthwiseScaleShift(Window.of(1, 1), batch, 56, 144, 3));
        all.add(depthwiseScaleShift(Window.of(2, 1), batch, 56, 144, 3));
        all.add(depthwiseScaleShift(Window.of(1, 2), batch, 28, 240, 5));
        all.add(depthwiseScaleShift(Window.of(2, 2), batch, 28, 240, 5));
        return List.copyOf(all);
    }

    private static Workload depthwiseScaleShift(Window window, long n, long h, long c, long r) {
        Sample plain = sample(ConvolutionPass.Kind.FORWARD, window, (int) c, n, h, c, c, r);
        List<Operand> operands = new ArrayList<>(plain.operands());
        operands.addAll(List.of(Operand.range(0.5, 1.5, c), Operand.of(c)));
        Sample sample = new Sample(new ConvolutionScaleShift(window, (int) c, Nonlinearity.SILU, false), List.copyOf(operands));
        return new Workload(DepthwisePass.SCALE_SHIFT, sample, ConvolutionPass.ofTypes((Convolution) plain.op(), plain.types()).sizes(0));
    }

    private static Workload matmul(long m, long n, long k, boolean transposeA, boolean transposeB) {
        Operand a = transposeA ? Operand.of(k, m) : Operand.of(m, k);
        Operand b = transposeB ? Operand.of(n, k) : Operand.of(k, n);
        return new Workload("matmul", Sample.of(new MatMul(transposeA, transposeB), a, b), new Product(m, n, k, transposeA, transposeB).sizes());
    }

    private static Workload convolution(ConvolutionPass.Kind kind, Window window, int groups, long n, long h, long c, long k, long r) {
        Sample sample = sample(kind, window, groups, n, h, c, k, r);
        ConvolutionPass pass = ConvolutionPass.ofTypes((Convolution) sample.op(), sample.types());
        return new Workload("convolution", sample, pass.sizes(pass.split().workspace(pass.results()))).by("simt");
    }

    private static Workload depthwise(ConvolutionPass.Kind kind, Window window, long n, long h, long c, long r) {
        Sample sample = sample(kind, window, (int) c, n, h, c, c, r);
        ConvolutionPass pass = ConvolutionPass.ofTypes((Convolution) sample.op(), sample.types());
        return new Workload("depthwise", sample, pass.sizes(new DepthwisePass(pass).workspace()));
    }

    /** A pass over square images with a square kernel. */
    static Sample sample(ConvolutionPass.Kind kind, Window window, int groups, long n, long h, long c, long k, long r) {
        Operand x = Operand.of(n, h, h, c);
        Operand w = Operand.of(k, r, r, c / groups);
        Operand y = Operand.of(n, window.outH(h, r), window.outW(h, r), k);
        return switch (kind) {
            case FORWARD -> Sample.of(new Conv2d(window, groups), x, w);
            case BACKWARD_DATA -> Sample.of(new Conv2dBackwardData(window, groups, h, h), y, w);
            case BACKWARD_WEIGHT -> Sample.of(new Conv2dBackwardWeight(window, groups, r, r), x, y);
        };
    }
}
