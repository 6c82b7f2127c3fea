package dev.jacquard.train;

import dev.jacquard.data.Normalization;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.op.Images;
import dev.jacquard.tensor.op.Movement;

/** From the loader's bytes to a network's input, on the device. */
final class Pixels {
    private Pixels() {}

    /** {@code (v / 255 - mean) / std} per channel, as one multiplication and one addition: U8 (N, H, W, 3) to F32 of the same shape. */
    static Tensor normalize(Tensor images, Normalization by) {
        return normalize(images, by, 3);
    }

    /** The same for a network of more input channels: F32 (N, H, W, channels), zeros in those after the third, as NVIDIA's Paddle recipe has a fourth. */
    static Tensor normalize(Tensor images, Normalization by, int channels) {
        try (Context.Label _ = images.context().label("normalize")) {
            return padded(images.apply(by(by)), channels);
        }
    }

    static Images.Normalize by(Normalization n) {
        return Images.Normalize.of(n.mean(), n.std(), DType.F32);
    }

    /** One more pass over the input, which is some 1 part in 1000 of what a ResNet-50 reads and writes in a step; not worth a kernel that writes 4 channels of 3. */
    static Tensor padded(Tensor pixels, int channels) {
        long more = channels - pixels.shape().dim(3);
        return more == 0 ? pixels : pixels.apply(new Movement.Pad(3, 0, more));
    }
}
