package dev.jacquard.tensor.op;

import dev.jacquard.tensor.TensorType;
import java.util.List;

/**
 * What an op must do at least.
 *
 * @param bytes bytes read and written when every operand is touched once
 * @param flops floating-point operations, a multiply-add counting two
 */
public record Cost(long bytes, long flops) {
    /** Nothing moved, nothing computed: views and leaves. */
    public static final Cost FREE = new Cost(0, 0);

    /** Every input read once, every output written once. */
    public static Cost of(List<TensorType> in, List<TensorType> out, long flops) {
        long bytes = 0;
        for (TensorType t : in) {
            bytes += t.bytes();
        }
        for (TensorType t : out) {
            bytes += t.bytes();
        }
        return new Cost(bytes, flops);
    }

    /** The sum of two costs. */
    public Cost plus(Cost other) {
        return new Cost(bytes + other.bytes, flops + other.flops);
    }
}
