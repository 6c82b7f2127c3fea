package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.Normalization;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.layers.Sgd;
import dev.jacquard.models.Models;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.train.TrainStep;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Training steps on batches in memory allocate next to nothing: not on the Java heap, not outside. */
class FlatMemoryTest {
    /** Until the compiler has seen every kernel: before, the Vector API keeps its vectors on the heap. */
    private static final int WARM_UP = 250;
    private static final int STEPS = 500;
    private static final int BATCH = 2;
    private static final int SIZE = 32;
    private static final long HEAP_BYTES_PER_STEP = 64 << 10;

    /** Counts the bytes that are asked for. */
    private record Counting(Backend backend, AtomicLong bytes) implements Backend {
        @Override
        public String name() {
            return backend.name();
        }

        @Override
        public String description() {
            return backend.description();
        }

        @Override
        public Buffer allocate(long size, String purpose) {
            bytes.addAndGet(size);
            return backend.allocate(size, purpose);
        }

        @Override
        public Optional<String> unsupported(Op op, List<TensorType> inputs) {
            return backend.unsupported(op, inputs);
        }

        @Override
        public boolean accepts(Op op, int input, Layout layout) {
            return backend.accepts(op, input, layout);
        }

        @Override
        public long workspace(Op op, List<TensorType> inputs) {
            return backend.workspace(op, inputs);
        }

        @Override
        public Launch prepare(Op op, List<View> inputs, List<View> outputs, Buffer workspace) {
            return backend.prepare(op, inputs, outputs, workspace);
        }

        @Override
        public void synchronize() {
            backend.synchronize();
        }

        @Override
        public void close() {
            backend.close();
        }
    }

    private static long heapAllocated() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean()).getTotalThreadAllocatedBytes();
    }

    private static long directBytes() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream().mapToLong(BufferPoolMXBean::getTotalCapacity).sum();
    }

    @Test
    void fiveHundredStepsAllocateNextToNothing() {
        Module net = Models.create("resnet18", 10);
        AtomicLong asked = new AtomicLong();
        try (Backend backend = new Counting(Backends.open("cpu", 2), asked); State state = new State(backend);
                TrainStep step = TrainStep.of(net, new Sgd(0.9, 5e-4, true, Optimizer.DecayRule.WEIGHTS),
                        new TrainStep.Settings(BATCH, SIZE, Normalization.IMAGENET, 0.1, 1), state);
                Arena arena = Arena.ofShared()) {
            MemorySegment images = arena.allocate(BATCH * SIZE * SIZE * 3L, 64);
            for (long i = 0; i < images.byteSize(); i++) {
                images.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 31 % 251));
            }
            MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, BATCH);
            labels.setAtIndex(ValueLayout.JAVA_INT, 1, 7);
            steps(step, images, labels, 0, WARM_UP);
            long heap = heapAllocated();
            long nativeBytes = asked.get();
            long direct = directBytes();
            steps(step, images, labels, WARM_UP, STEPS);
            long perStep = (heapAllocated() - heap) / STEPS;
            assertTrue(perStep < HEAP_BYTES_PER_STEP, "heap bytes per step: " + perStep);
            assertEquals(nativeBytes, asked.get(), "bytes asked of the backend");
            assertEquals(direct, directBytes(), "direct buffers");
        }
    }

    private static void steps(TrainStep step, MemorySegment images, MemorySegment labels, long from, int count) {
        for (long i = from; i < from + count; i++) {
            step.feed(images, labels);
            float loss = step.compute(i, 0.001);
            assertTrue(loss >= 0, "loss " + loss);
            step.commit();
        }
    }
}
