package dev.jacquard.tck.reference;

import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;

/**
 * An operand, read: its type and its values, row-major.
 *
 * @param type element type and shape
 * @param values as doubles
 * @param integers the same without loss for I64; empty for other types
 */
public record Array(TensorType type, double[] values, long... integers) {
    /** The extents. */
    public Shape shape() {
        return type.shape();
    }

    /** Extent of an axis. */
    int dim(int axis) {
        return type.shape().intDim(axis);
    }

    /** Value at an index. */
    double at(long... index) {
        return values[Index.flat(type.shape(), index)];
    }
}
