package dev.jacquard.models;

/** Where a convolution's zeros go when its stride is 2. A convolution of stride 1 has the same padding in both, and sizes of outputs are the same, too. */
public enum Padding {
    /** {@code (kernel - 1) / 2} on all sides, as in PyTorch and Paddle. */
    SYMMETRIC,
    /** TensorFlow's SAME: as few zeros as give {@code ceil(size / stride)} outputs, the odd one at the bottom and right. Weights of one rule are not exactly those of the other. */
    SAME
}
