package dev.jacquard.models;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.HostBuffer;
import dev.jacquard.tensor.io.TensorFile;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * Brings tensors of a file into variables on a few threads: a start waits for hundreds of megabytes that are in the system's cache already, so that what counts is that they are
 * copied once or twice, not how.
 */
final class WeightReader {
    private static final int MOST_THREADS = 4;

    /** A tensor of the file, and the variable to set to it. */
    record Item(String tensor, Variable variable) {}

    private final TensorFile file;
    private final List<Item> items;
    private final State state;
    private final AtomicInteger next = new AtomicInteger();

    private WeightReader(TensorFile file, List<Item> items, State state) {
        this.file = file;
        this.items = items;
        this.state = state;
    }

    /** Sets all of them. They are of the file's shapes, but that convolution weights are (K, C, R, S) there; those that were read before something failed stay set. */
    static void read(TensorFile file, List<Item> items, State state) {
        WeightReader reader = new WeightReader(file, items, state);
        int threads = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, MOST_THREADS);
        IntStream.range(0, threads).parallel().forEach(_ -> reader.work());
    }

    private void work() {
        long most = 4 * items.stream().mapToLong(i -> i.variable().type().shape().size()).max().orElse(1);
        try (HostBuffer stage = HostBuffer.allocate(most)) {
            for (int i = next.getAndIncrement(); i < items.size(); i = next.getAndIncrement()) {
                Variable v = items.get(i).variable();
                MemorySegment values = stage.segment().asSlice(0, 4 * v.type().shape().size());
                file.floats(items.get(i).tensor(), values);
                set(v, values);
            }
        }
    }

    private void set(Variable v, MemorySegment values) {
        Shape shape = v.type().shape();
        boolean moves = shape.rank() == 4 && shape.dim(3) > 1 && shape.dim(1) * shape.dim(2) > 1;
        if (!moves && v.type().dtype() == DType.F32) {
            upload(v, values);
            return;
        }
        float[] all = values.toArray(ValueLayout.JAVA_FLOAT);
        float[] ours = moves ? swapped(all, shape.intDim(0), shape.intDim(3), shape.intDim(1) * shape.intDim(2)) : all;
        if (v.type().dtype() == DType.F32) {
            MemorySegment.copy(ours, 0, values, ValueLayout.JAVA_FLOAT, 0, ours.length);
            upload(v, values);
        } else {
            synchronized (state) {
                state.set(v, ours);
            }
        }
    }

    /** One at a time: a device's transfers share what they pass through. */
    private void upload(Variable v, MemorySegment values) {
        synchronized (state) {
            state.buffer(v).upload(0, values);
        }
    }

    /** (n, rows, columns) to (n, columns, rows). */
    static float[] swapped(float[] values, int n, int rows, int columns) {
        float[] out = new float[values.length];
        for (int k = 0; k < n; k++) {
            int base = k * rows * columns;
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < columns; j++) {
                    out[base + j * rows + i] = values[base + i * columns + j];
                }
            }
        }
        return out;
    }
}
