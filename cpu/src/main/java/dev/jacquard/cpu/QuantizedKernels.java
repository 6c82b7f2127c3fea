package dev.jacquard.cpu;

import dev.jacquard.cpu.x64.QuantizedConv;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.HostBuffer;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.QuantizedProduct;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedConv2d;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedMatMul;
import java.util.List;
import java.util.Map;

/** Products of bytes: emitted code only; without it their definition in floating ops is computed. */
final class QuantizedKernels {
    private QuantizedKernels() {}

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(QuantizedConv2d.class, new Product<QuantizedConv2d>(), QuantizedMatMul.class, new Product<QuantizedMatMul>());
    }

    /** The plan of a product. Results in halves are rounded after it, from floats. */
    static QuantizedConv plan(QuantizedProduct op, List<TensorType> in, CpuKernel.Team team) {
        ConvShape shape = shape(op, in.get(0).shape(), in.get(1).shape());
        return QuantizedConv.of(shape, op.residualScale(), op.activation(), op.to() == DType.I8, team.workers(), team.code().orElseThrow());
    }

    private static ConvShape shape(QuantizedProduct op, Shape x, Shape w) {
        return switch (op) {
            case QuantizedConv2d conv -> ProductKernels.shape(conv.product(), x, w);
            case QuantizedMatMul _ -> new ConvShape(1, x.intDim(0), 1, x.intDim(1), w.intDim(0), 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1);
        };
    }

    /** Floats that are to be rounded to halves, in bytes. */
    private static long wideBytes(QuantizedProduct op, List<TensorType> in) {
        return HalfAdaptor.half(op.to()) ? Raw.align(4 * op.infer(in).getFirst().shape().size()) : 0;
    }

    private record Product<O extends QuantizedProduct>() implements CpuKernel<O> {
        @Override
        public boolean runsOn(Team team) {
            return team.code().isPresent();
        }

        @Override
        public long workspace(O op, List<TensorType> in, Team team) {
            QuantizedConv conv = plan(op, in, team);
            return wideBytes(op, in) + Raw.align(conv.packedBytes()) + conv.workspaceBytes();
        }

        @Override
        public Launch bind(O op, Call call) {
            List<TensorType> in = ProductKernels.types(call);
            QuantizedConv conv = plan(op, in, call.team());
            long packed = call.workspace() + wideBytes(op, in);
            long weight = call.in(1);
            Launch run = run(op, conv, call, packed, packed + Raw.align(conv.packedBytes()));
            return () -> {
                conv.pack(weight, packed);
                run.run();
            };
        }
    }

    /** The run of a plan on weights that are packed; floats that become halves are at the beginning of the workspace. */
    private static Launch run(QuantizedProduct op, QuantizedConv conv, Call call, long packed, long workspace) {
        View results = call.out().getFirst();
        boolean narrow = HalfAdaptor.half(results.dtype());
        long x = call.in(0);
        long scale = call.in(2);
        long shift = call.in(3);
        long residual = op.residual() ? call.in(4) : 0;
        long out = narrow ? call.workspace() : call.out(0);
        Launch product = () -> conv.run(x, packed, scale, shift, residual, out, workspace);
        if (!narrow) {
            return product;
        }
        Buffer floats = HostBuffer.over(Raw.segment(out, 4 * results.shape().size()));
        View wide = new View(floats, DType.F32, Layout.contiguous(results.shape()));
        Launch round = MovementKernels.cast(new Movement.Cast(results.dtype()), new Call(List.of(wide), List.of(results), 0, call.team()));
        return () -> {
            product.run();
            round.run();
        };
    }
}
