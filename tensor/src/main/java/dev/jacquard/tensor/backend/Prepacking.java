package dev.jacquard.tensor.backend;

import dev.jacquard.tensor.op.Op;

/**
 * An op in two, of which the first depends on one input alone and need not be computed again while that stays the same: {@code op(a, w, ..) = packed(a, pack(w), ..)}, bit by bit.
 * Kernels of products want weights in an order of their own; where weights do not change they are brought into it once. What is between the two only this backend understands.
 *
 * @param input the input that is packed
 * @param pack takes it, gives one value
 * @param packed takes the op's inputs with the packed one in place of that
 */
public record Prepacking(int input, Pack pack, Op packed) {
    /** An op that packs. Its result is worth keeping whatever its size: it is read instead of its input. */
    public interface Pack extends Op {}
}
