package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Quantization.FakeQuantize;
import dev.jacquard.tensor.op.Quantization.FakeQuantizeBackward;
import dev.jacquard.tensor.op.Sample;
import java.util.List;
import java.util.Map;

/** Fake quantisation. */
final class QuantizationKernels {
    private QuantizationKernels() {}

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        return Map.of(
                FakeQuantize.class, (CudaKernel<FakeQuantize>) QuantizationKernels::forward,
                FakeQuantizeBackward.class, (CudaKernel<FakeQuantizeBackward>) QuantizationKernels::backward);
    }

    /** What the kernels are measured on: activations per tensor and per channel, weights per output channel. */
    static List<Workload> workloads(long batch) {
        Operand x = Operand.of(batch, 28, 28, 64);
        Operand w = Operand.of(64 * batch, 3, 3, 64);
        Operand scale = Operand.range(0.01, 0.02);
        Operand channels = Operand.range(0.01, 0.02, 64);
        Operand filters = Operand.range(0.01, 0.02, 64 * batch, 1, 1, 1);
        FakeQuantize op = new FakeQuantize(-128, 127);
        FakeQuantizeBackward back = new FakeQuantizeBackward(-128, 127);
        long n = batch * 28 * 28 * 64;
        long k = batch * 64 * 9 * 64;
        return List.of(
                new Workload("fake_quantize", Sample.of(op, x, scale), Map.of("n", n, "c", 1L)),
                new Workload("fake_quantize", Sample.of(op, x, channels), Map.of("n", n, "c", 64L)),
                new Workload("fake_quantize", Sample.of(op, w, filters), Map.of("n", k, "c", 64 * batch)),
                new Workload("fake_quantize", Sample.of(back, x, x, scale), Map.of("n", n, "c", 1L)),
                new Workload("fake_quantize", Sample.of(back, w, w, filters), Map.of("n", k, "c", 64 * batch)));
    }

    /** Element i takes the scale {@code i / inner % c}. */
    private record Channels(long c, long inner) {
        static Channels of(Shape x, Shape scale) {
            long inner = 1;
            for (int fromEnd = 1; fromEnd <= scale.rank(); fromEnd++) {
                if (scale.dim(-fromEnd) > 1) {
                    return new Channels(scale.dim(-fromEnd), inner);
                }
                inner *= x.dim(-fromEnd);
            }
            return new Channels(1, x.size());
        }
    }

    private static KernelLaunch.Builder launch(String symbol, Call call) {
        DType dtype = call.out().getFirst().dtype();
        return call.launch("fake_quantize", symbol, dtype).grid(Call.blocks(call.outShape(0).size(), Call.BLOCK * 16L / dtype.bytes())).block(Call.BLOCK);
    }

    private static KernelLaunch.Builder sizes(KernelLaunch.Builder b, Call call, int scale) {
        Shape x = call.outShape(0);
        Channels k = Channels.of(x, call.inShape(scale));
        return b.i64(x.size()).i32(k.c()).i64(k.inner());
    }

    private static CudaLaunch forward(FakeQuantize op, Call call) {
        return sizes(launch("fake_quantize", call).pointer(call.in(0)).pointer(call.in(1)).pointer(call.out(0)), call, 1).f32(op.qmin()).f32(op.qmax()).build();
    }

    private static CudaLaunch backward(FakeQuantizeBackward op, Call call) {
        return sizes(launch("fake_quantize_backward", call).pointer(call.in(0)).pointer(call.in(1)).pointer(call.in(2)).pointer(call.out(0)), call, 2)
                .f32(Math.max(op.qmin(), -op.qmax())).f32(op.qmax()).build();
    }
}
