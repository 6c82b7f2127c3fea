package dev.jacquard.tensor.backend;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EngineBugException;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;

/**
 * A kernel's operand: storage, element type, and how the elements lie in it.
 *
 * @param buffer the storage
 * @param dtype element type
 * @param layout where the elements are, counted in elements from the buffer's beginning
 */
public record View(Buffer buffer, DType dtype, Layout layout) {
    /** Checks that the layout lies within the buffer. @throws EngineBugException if not */
    public View {
        if (layout.end() * dtype.bytes() > buffer.bytes()) {
            throw new EngineBugException("view", "layout reaches beyond its buffer", layout + " of " + dtype, "at most " + buffer.bytes() + " bytes", "report this");
        }
    }

    /** A contiguous view from the buffer's beginning. */
    public static View of(Buffer buffer, TensorType type) {
        return new View(buffer, type.dtype(), Layout.contiguous(type.shape()));
    }

    /** Extents. */
    public Shape shape() {
        return layout.shape();
    }

    /** Element type and shape. */
    public TensorType type() {
        return new TensorType(dtype, layout.shape());
    }

    /** The same storage under another layout. */
    public View with(Layout other) {
        return new View(buffer, dtype, other);
    }
}
