package dev.jacquard.cpu;

import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.HostBuffer;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.Prepacking;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Op;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** A CPU backend whose every buffer, and every part of one that is cut out of it, lies at a page which may not be touched: see {@link Fence}. */
final class FencedBackend implements Backend {
    private final Backend cpu;
    private final Fence.Side side;

    FencedBackend(Backend cpu, Fence.Side side) {
        this.cpu = cpu;
        this.side = side;
    }

    /** Its parts have a memory of their own: the guard bands of the sweep would be in the way. */
    private final class Fenced implements Buffer {
        private final Fence memory;
        private final long alignment;
        private Fence inner;

        Fenced(long bytes, long alignment) {
            this.alignment = alignment;
            memory = new Fence(bytes, side, alignment);
        }

        @Override
        public long bytes() {
            return memory.bytes;
        }

        @Override
        public void upload(long at, MemorySegment host) {
            MemorySegment.copy(host, 0, memory.segment(), at, host.byteSize());
        }

        @Override
        public void download(long at, MemorySegment host) {
            MemorySegment.copy(memory.segment(), at, host, 0, host.byteSize());
        }

        @Override
        public Buffer slice(long at, long bytes) {
            if (inner != null) {
                throw new IllegalStateException("one part only");
            }
            inner = new Fence(bytes, side, alignment);
            return HostBuffer.over(inner.segment());
        }

        @Override
        public void close() {
            memory.close();
            if (inner != null) {
                inner.close();
                inner = null;
            }
        }
    }

    /** Scratch and packed weights may count on cache lines, operands on nothing but their elements' size. */
    @Override
    public Buffer allocate(long bytes, String purpose) {
        boolean scratch = purpose.startsWith("the workspace");
        boolean operand = purpose.startsWith("input ") || purpose.startsWith("output ") || purpose.startsWith("the copy of ");
        return scratch || operand ? new Fenced(bytes, scratch ? 64 : 1) : cpu.allocate(bytes, purpose);
    }

    @Override
    public List<Buffer> allocateTogether(List<Long> bytes, List<String> purposes) {
        return cpu.allocateTogether(bytes, purposes);
    }

    @Override
    public String name() {
        return cpu.name();
    }

    @Override
    public String description() {
        return cpu.description() + ", fenced at the " + side;
    }

    @Override
    public Optional<String> unsupported(Op op, List<TensorType> in) {
        return cpu.unsupported(op, in);
    }

    @Override
    public boolean accepts(Op op, int input, Layout layout) {
        return cpu.accepts(op, input, layout);
    }

    @Override
    public long workspace(Op op, List<TensorType> in) {
        return cpu.workspace(op, in);
    }

    @Override
    public Optional<Prepacking> prepacking(Op op, List<TensorType> in) {
        return cpu.prepacking(op, in);
    }

    @Override
    public Launch prepare(Op op, List<View> in, List<View> out, Buffer workspace) {
        return cpu.prepare(op, in, out, workspace);
    }

    @Override
    public Launch sequence(String phase, List<Launch> parts) {
        return cpu.sequence(phase, parts);
    }

    @Override
    public void close() {
        cpu.close();
    }
}
