package dev.jacquard.tck;

import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Op;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/** The reference backend with one kernel broken in one way. Its buffers, unlike the reference's, let a kernel reach beyond a slice, as native memory does. */
final class SabotagedBackend implements Backend {
    /** Ways to be wrong, and what the report must say. */
    enum Fault {
        /** Adds a thousandth to one element. */
        ONE_ELEMENT("max err"),
        /** Adds to one element what rounding could not have: ten tolerances. */
        NEARLY("max err"),
        /** Writes NaN to one element. */
        NAN("NaN on one side only"),
        /** Writes infinity to one element. */
        INFINITY("more than all"),
        /** Never writes the last element. */
        UNWRITTEN("not repeatable"),
        /** Writes one element after the output's end. */
        BEYOND("bytes after the end of output 0"),
        /** Writes one element before the output's beginning. */
        BEFORE("before the beginning"),
        /** Writes one element beyond its scratch memory. */
        BEYOND_WORKSPACE("of the workspace"),
        /** Changes its input. */
        CHANGES_INPUT("input 0 was changed"),
        /** Gives another last bit at every run. */
        NONDETERMINISTIC("not repeatable"),
        /** Takes what is in scratch memory for zeros. */
        DIRTY_WORKSPACE("not repeatable"),
        /** Reads operands as if they were contiguous: right where they are. */
        IGNORES_STRIDES("max err");

        final String message;

        Fault(String message) {
            this.message = message;
        }
    }

    private final ReferenceBackend good = new ReferenceBackend();
    private final Class<? extends Op> victim;
    private final Fault fault;
    private int runs;

    SabotagedBackend(Class<? extends Op> victim, Fault fault) {
        this.victim = victim;
        this.fault = fault;
    }

    /** A slice that remembers what it was cut from. */
    private record Leaky(Buffer root, long start, long bytes, Buffer inner) implements Buffer {
        @Override
        public void upload(long at, MemorySegment host) {
            root.upload(start + at, host);
        }

        @Override
        public void download(long at, MemorySegment host) {
            root.download(start + at, host);
        }

        @Override
        public Buffer slice(long at, long size) {
            return new Leaky(root, start + at, size, inner.slice(at, size));
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    @Override
    public String name() {
        return "sabotaged";
    }

    @Override
    public String description() {
        return "reference, broken on purpose";
    }

    @Override
    public Buffer allocate(long bytes, String purpose) {
        Buffer b = good.allocate(bytes, purpose);
        return new Leaky(b, 0, b.bytes(), b);
    }

    @Override
    public Optional<String> unsupported(Op op, List<TensorType> inputs) {
        return good.unsupported(op, inputs);
    }

    @Override
    public boolean accepts(Op op, int input, Layout layout) {
        return true;
    }

    @Override
    public long workspace(Op op, List<TensorType> inputs) {
        return 16;
    }

    private static View inner(View v) {
        return new View(((Leaky) v.buffer()).inner(), v.dtype(), v.layout());
    }

    /** From the operand's beginning on, whatever there is. */
    private static View blind(View v) {
        Leaky b = (Leaky) v.buffer();
        Layout l = Layout.contiguous(v.shape());
        return new View(b.root(), v.dtype(), Layout.strided(v.shape(), l.strides(), b.start() / v.dtype().bytes()));
    }

    @Override
    public Launch prepare(Op op, List<View> inputs, List<View> outputs, Buffer workspace) {
        boolean hit = op.getClass() == victim;
        boolean blind = hit && fault == Fault.IGNORES_STRIDES;
        List<View> in = inputs.stream().map(v -> blind ? blind(v) : inner(v)).toList();
        Launch right = good.prepare(op, in, outputs.stream().map(SabotagedBackend::inner).toList(), workspace);
        return !hit ? right : () -> {
            right.run();
            runs++;
            sabotage(inputs.getFirst(), outputs.getFirst(), workspace);
        };
    }

    private void sabotage(View input, View output, Buffer workspace) {
        Leaky out = (Leaky) output.buffer();
        long last = (output.shape().size() - 1) * 4;
        float value = read(out.root(), out.start() + last);
        switch (fault) {
            case ONE_ELEMENT -> write(out.root(), out.start() + last, value + 1e-3f);
            case NEARLY -> write(out.root(), out.start() + last, (float) (value + 10 * Tolerance.of(DType.F32, dev.jacquard.tensor.op.Accuracy.reduce(33)).at(value, 1)));
            case NAN -> write(out.root(), out.start() + last, Float.NaN);
            case INFINITY -> write(out.root(), out.start() + last, Float.POSITIVE_INFINITY);
            case UNWRITTEN -> write(out.root(), out.start() + last, runs);
            case BEYOND -> write(out.root(), out.start() + last + 4, 0);
            case BEFORE -> write(out.root(), out.start() - 4, 0);
            case BEYOND_WORKSPACE -> write(((Leaky) workspace).root(), ((Leaky) workspace).start() + 16, 0);
            case CHANGES_INPUT -> write(((Leaky) input.buffer()).root(), ((Leaky) input.buffer()).start(), 0);
            case NONDETERMINISTIC -> write(out.root(), out.start() + last, runs % 2 == 0 ? Math.nextUp(value) : value);
            case DIRTY_WORKSPACE -> write(out.root(), out.start() + last, read(((Leaky) workspace).root(), ((Leaky) workspace).start()));
            case IGNORES_STRIDES -> {}
        }
    }

    private static float read(Buffer b, long at) {
        try (Arena a = Arena.ofConfined()) {
            MemorySegment m = a.allocate(4, 4);
            b.download(at, m);
            return m.get(ValueLayout.JAVA_FLOAT, 0);
        }
    }

    private static void write(Buffer b, long at, float value) {
        try (Arena a = Arena.ofConfined()) {
            MemorySegment m = a.allocate(4, 4);
            m.set(ValueLayout.JAVA_FLOAT, 0, value);
            b.upload(at, m);
        }
    }

    @Override
    public void close() {}
}
