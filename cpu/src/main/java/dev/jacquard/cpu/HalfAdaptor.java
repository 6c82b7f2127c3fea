package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.HostBuffer;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs an F32 kernel on half-precision operands, which lie contiguous: widened before, rounded once after, in the workspace. Kernels that are bound by memory take halves
 * themselves.
 */
final class HalfAdaptor {
    private static final Movement.Cast TO_F32 = new Movement.Cast(DType.F32);

    private HalfAdaptor() {}

    static boolean half(DType t) {
        return t == DType.F16 || t == DType.BF16;
    }

    /** The types with F32 in place of halves. */
    static List<TensorType> widened(List<TensorType> types) {
        return types.stream().map(HalfAdaptor::widened).toList();
    }

    private static TensorType widened(TensorType t) {
        return half(t.dtype()) ? t.withDType(DType.F32) : t;
    }

    static <O extends Op> long workspace(CpuKernel<O> kernel, O op, List<TensorType> in, CpuKernel.Team team) {
        long bytes = Raw.align(kernel.workspace(op, widened(in), team));
        for (TensorType t : in) {
            bytes += half(t.dtype()) ? Raw.align(widened(t).bytes()) : 0;
        }
        for (TensorType t : op.infer(in)) {
            bytes += half(t.dtype()) ? Raw.align(widened(t).bytes()) : 0;
        }
        return bytes;
    }

    static <O extends Op> Launch bind(CpuKernel<O> kernel, O op, Call call) {
        List<Launch> steps = new ArrayList<>();
        long[] at = {call.workspace()};
        List<View> in = call.in().stream().map(v -> {
            if (!half(v.dtype())) {
                return v;
            }
            View wide = take(at, v);
            steps.add(MovementKernels.cast(TO_F32, new Call(List.of(v), List.of(wide), 0, call.team())));
            return wide;
        }).toList();
        List<View> out = call.out().stream().map(v -> half(v.dtype()) ? take(at, v) : v).toList();
        steps.add(kernel.bind(op, new Call(in, out, at[0], call.team())));
        for (int i = 0; i < out.size(); i++) {
            View narrow = call.out().get(i);
            if (half(narrow.dtype())) {
                steps.add(MovementKernels.cast(new Movement.Cast(narrow.dtype()), new Call(List.of(out.get(i)), List.of(narrow), 0, call.team())));
            }
        }
        Launch[] all = steps.toArray(Launch[]::new);
        return () -> {
            for (Launch l : all) {
                l.run();
            }
        };
    }

    /** The next part of the workspace, for the F32 values of a half-precision operand. */
    private static View take(long[] at, View v) {
        TensorType wide = widened(v.type());
        Buffer b = HostBuffer.over(Raw.segment(at[0], wide.bytes()));
        at[0] += Raw.align(wide.bytes());
        return new View(b, DType.F32, Layout.contiguous(wide.shape()));
    }
}
