package dev.jacquard.models;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Op;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** A device that has memory and no kernels: all that a State needs. */
final class MemoryBackend implements Backend {
    private record Heap(MemorySegment memory) implements Buffer {
        @Override
        public long bytes() {
            return memory.byteSize();
        }

        @Override
        public void upload(long at, MemorySegment host) {
            memory.asSlice(at, host.byteSize()).copyFrom(host);
        }

        @Override
        public void download(long at, MemorySegment host) {
            host.copyFrom(memory.asSlice(at, host.byteSize()));
        }

        @Override
        public Buffer slice(long at, long bytes) {
            return new Heap(memory.asSlice(at, bytes));
        }

        @Override
        public void close() {}
    }

    @Override
    public String name() {
        return "memory";
    }

    @Override
    public String description() {
        return "memory without kernels";
    }

    @Override
    public Buffer allocate(long bytes, String purpose) {
        return new Heap(MemorySegment.ofArray(new byte[Math.toIntExact(bytes)]));
    }

    @Override
    public Optional<String> unsupported(Op op, List<TensorType> inputs) {
        return Optional.of("there are no kernels");
    }

    @Override
    public Launch prepare(Op op, List<View> inputs, List<View> outputs, Buffer workspace) {
        throw new AssertionError("nothing runs here");
    }

    @Override
    public void close() {}
}
