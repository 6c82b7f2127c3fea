package dev.jacquard.tensor.backend;

import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A device that runs ops. Thread-safe. Views and leaves never reach it: plans and scopes resolve them.
 *
 * <p>A kernel reads the layouts that it {@link #accepts}, writes contiguous outputs, and may be given an output that shares storage with an
 * input only where the op says {@link Op#overwrites}.
 */
public interface Backend extends AutoCloseable {
    /** Name as in {@code --device}: {@code cpu}, {@code reference}. */
    String name();

    /** What the device is, in words, for logs and {@code doctor}. */
    String description();

    /** Memory for at least the given number of bytes, aligned to 64; contents are undefined. @param purpose named when memory runs out @throws OutOfMemoryException if it does */
    Buffer allocate(long bytes, String purpose);

    /**
     * As {@link #allocate} for variables that are added together and will be closed together. By default each by itself; memory of the host is better in few large pieces.
     *
     * @param purposes named when memory runs out, one for each of the sizes
     */
    default List<Buffer> allocateTogether(List<Long> bytes, List<String> purposes) {
        List<Buffer> all = new ArrayList<>();
        boolean done = false;
        try {
            for (int i = 0; i < bytes.size(); i++) {
                all.add(allocate(bytes.get(i), purposes.get(i)));
            }
            done = true;
            return all;
        } finally {
            if (!done) {
                all.forEach(Buffer::close);
            }
        }
    }

    /** Bytes that could still be allocated, where the device knows. */
    default OptionalLong freeMemory() {
        return OptionalLong.empty();
    }

    /** Empty if a kernel exists for an op on operands of these types, else the reason why not and what to do. */
    Optional<String> unsupported(Op op, List<TensorType> inputs);

    /**
     * Whether the kernel reads this input in such a layout; if not, a copy is made first. By default only contiguous inputs; the copy itself must read every layout.
     */
    default boolean accepts(Op op, int input, Layout layout) {
        return layout.isContiguous() || op instanceof Movement.Copy;
    }

    /** Scratch memory that the kernel needs while it runs, in bytes. By default none. */
    default long workspace(Op op, List<TensorType> inputs) {
        return 0;
    }

    /** How an op is computed on an input that stays the same from run to run, if there is a better way than to take it as it is. By default there is none. */
    default Optional<Prepacking> prepacking(Op op, List<TensorType> inputs) {
        return Optional.empty();
    }

    /** Binds a kernel to operands. @param workspace as large as {@link #workspace} asked for, its contents undefined, shared with other launches */
    Launch prepare(Op op, List<View> inputs, List<View> outputs, Buffer workspace);

    /**
     * Launches of this backend in order as one launch, for a plan that runs them again and again. By default they are run one by one.
     *
     * @param phase what they do together, for profilers
     */
    default Launch sequence(String phase, List<Launch> parts) {
        Launch[] all = parts.toArray(Launch[]::new);
        return () -> {
            for (Launch l : all) {
                l.run();
            }
        };
    }

    /**
     * Whether graphs that are planned for it are to round the operands of F32 products to TF32 themselves: it was opened with {@link BackendOptions.Tf32#EMULATE} and has no TF32
     * of its own. By default not. Asked by those who make graphs; kernels do not depend on it.
     */
    default boolean emulatesTf32() {
        return false;
    }

    /** Waits until everything launched has been done. By default nothing is ever pending. */
    default void synchronize() {}

    /** Ends the backend: threads, contexts. Buffers must have been closed before. */
    @Override
    void close();
}
