package dev.jacquard.train;

import dev.jacquard.data.Normalization;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.op.Images;

/** From the loader's bytes to a network's input, on the device. */
final class Pixels {
    private Pixels() {}

    /** {@code (v / 255 - mean) / std} per channel, as one multiplication and one addition: U8 (N, H, W, 3) to F32 of the same shape. */
    static Tensor normalize(Tensor images, Normalization by) {
        try (Context.Label _ = images.context().label("normalize")) {
            return images.apply(Images.Normalize.of(by.mean(), by.std(), DType.F32));
        }
    }
}
