package dev.jacquard.tck.reference;

import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.HostBuffer;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Pointwise;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The oracle of all other backends.
 *
 * <p>Charter. This code is read, not timed: every op is the loop that its definition says, over double values, rounded once when a result is stored.
 * It uses no vectors, no threads, no blocking, no reordering, no approximation and no library, shares no kernel with any backend, and is never
 * optimised; whoever needs it faster makes the test smaller. A composite has no kernel here, so that its definition is the oracle of everybody's
 * fused kernel (pointwise ones, which state their formula, excepted).
 *
 * <p>All element types are read and written. Values of I64 go through double and are exact up to 2^53, except the counter of random ops, which is exact.
 */
public final class ReferenceBackend implements Backend {
    /** The name, as in {@code --device}. */
    public static final String NAME = "reference";

    private final boolean emulatesTf32;

    /** A reference for F32 as it is. */
    public ReferenceBackend() {
        this(false);
    }

    /** The same. @param emulatesTf32 whether graphs planned for it are to round the operands of F32 products to TF32 */
    public ReferenceBackend(boolean emulatesTf32) {
        this.emulatesTf32 = emulatesTf32;
    }

    @Override
    public boolean emulatesTf32() {
        return emulatesTf32;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String description() {
        return "double-precision reference, one thread, for tests only" + (emulatesTf32 ? ", TF32 emulated" : "");
    }

    @Override
    public Buffer allocate(long bytes, String purpose) {
        return HostBuffer.allocate(bytes);
    }

    @Override
    public Optional<String> unsupported(Op op, List<TensorType> inputs) {
        return op instanceof Pointwise || Kernels.of(op).isPresent() ? Optional.empty()
                : Optional.of("the reference backend has kernels for primitives only; let a scope or a plan expand the definition of " + op.name());
    }

    @Override
    public boolean accepts(Op op, int input, dev.jacquard.tensor.Layout layout) {
        return true;
    }

    @Override
    public Launch prepare(Op op, List<View> inputs, List<View> outputs, Buffer workspace) {
        return () -> {
            List<double[]> results = compute(op, inputs.stream().map(ReferenceBackend::load).toList());
            for (int i = 0; i < results.size(); i++) {
                store(outputs.get(i), results.get(i));
            }
        };
    }

    /**
     * The outputs of an op, row-major, before any rounding. Views, which a backend never sees, are computed too: this is what checks them.
     *
     * @throws dev.jacquard.tensor.EngineBugException if there is no kernel
     */
    public static List<double[]> compute(Op op, List<Array> inputs) {
        List<TensorType> types = op.infer(inputs.stream().map(Array::type).toList());
        if (op instanceof Pointwise p) {
            return List.of(PointwiseKernels.run(p, inputs, types.getFirst().shape()));
        }
        return Kernels.of(op).orElseThrow(() -> new dev.jacquard.tensor.EngineBugException(op.name(), "no reference kernel", op.toString(), "a primitive",
                "add the kernel to its family here")).run(op, inputs, types);
    }

    private static Array load(View view) {
        double[] values = new double[Math.toIntExact(view.shape().size())];
        long[] integers = new long[view.dtype() == dev.jacquard.tensor.DType.I64 ? values.length : 0];
        HostBuffer buffer = HostBuffer.of(view.buffer());
        Index.forEach(view.shape(), (index, i) -> {
            long at = view.layout().position(index);
            values[i] = Elements.get(buffer.segment(), view.dtype(), at);
            if (integers.length > 0) {
                integers[i] = buffer.segment().get(java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED, at * 8);
            }
        });
        return new Array(view.type(), values, integers);
    }

    private static void store(View view, double[] values) {
        HostBuffer buffer = HostBuffer.of(view.buffer());
        Index.forEach(view.shape(), (index, i) -> Elements.set(buffer.segment(), view.dtype(), view.layout().position(index), values[i]));
    }

    /** Room for results of given types, zeroed. */
    static List<double[]> zeros(List<TensorType> types) {
        List<double[]> all = new ArrayList<>();
        types.forEach(t -> all.add(new double[Math.toIntExact(t.shape().size())]));
        return all;
    }

    @Override
    public void close() {}
}
