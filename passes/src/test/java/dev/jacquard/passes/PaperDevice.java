package dev.jacquard.passes;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Op;
import java.util.List;
import java.util.Optional;

/** A device that is asked which kernels it has, and never runs one. @param missing the ops that it has none for */
record PaperDevice(List<Class<? extends Op>> missing) implements Backend {
    /** Has a kernel for everything. */
    static final PaperDevice COMPLETE = new PaperDevice(List.of());

    /** Has a kernel for everything but ops of a class. */
    static PaperDevice without(Class<? extends Op> op) {
        return new PaperDevice(List.of(op));
    }

    @Override
    public String name() {
        return "none";
    }

    @Override
    public String description() {
        return "has kernels, runs none";
    }

    @Override
    public Buffer allocate(long bytes, String purpose) {
        throw new AssertionError("a pass only asks");
    }

    @Override
    public Optional<String> unsupported(Op op, List<TensorType> inputs) {
        return missing.contains(op.getClass()) ? Optional.of("no kernel") : Optional.empty();
    }

    @Override
    public Launch prepare(Op op, List<View> inputs, List<View> outputs, Buffer workspace) {
        throw new AssertionError("a pass only asks");
    }

    @Override
    public void close() {}
}
