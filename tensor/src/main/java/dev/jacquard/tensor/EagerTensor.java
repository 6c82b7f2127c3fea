package dev.jacquard.tensor;

import dev.jacquard.tensor.backend.View;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A tensor with values, in the memory of its scope's device. Ends with its scope. */
public final class EagerTensor extends Tensor {
    private final Scope scope;
    private final View view;
    private final TensorType type;
    private Origin origin;

    EagerTensor(Scope scope, View view) {
        this.scope = scope;
        this.view = view;
        this.type = view.type();
    }

    void origin(Origin o) {
        origin = o;
    }

    /** Storage and layout. */
    public View view() {
        return view;
    }

    @Override
    public TensorType type() {
        return type;
    }

    @Override
    public Scope context() {
        return scope;
    }

    @Override
    public Optional<Origin> origin() {
        return Optional.ofNullable(origin);
    }

    /** The values as doubles, row-major whatever the layout. */
    public double[] doubles() {
        double[] values = new double[Math.toIntExact(type.shape().size())];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(Math.max(type.bytes(), 1), 8);
            View v = view.layout().isContiguous() ? view : scope.contiguous(this).view();
            v.buffer().download(v.layout().offset() * v.dtype().bytes(), host.asSlice(0, type.bytes()));
            for (int i = 0; i < values.length; i++) {
                values[i] = Elements.get(host, type.dtype(), i);
            }
        }
        return values;
    }

    /** The values as floats, row-major. */
    public float[] floats() {
        double[] d = doubles();
        float[] f = new float[d.length];
        for (int i = 0; i < f.length; i++) {
            f[i] = (float) d[i];
        }
        return f;
    }

    /** The only value. @throws ShapeException if there is not exactly one */
    public double item() {
        if (type.shape().size() != 1) {
            throw new ShapeException("item", "not a single value", type.toString(), "one element", "index or reduce it first");
        }
        return doubles()[0];
    }
}
