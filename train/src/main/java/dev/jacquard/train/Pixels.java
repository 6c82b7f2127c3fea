package dev.jacquard.train;

import dev.jacquard.data.Normalization;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;

/** From the loader's bytes to a network's input, on the device. */
final class Pixels {
    private Pixels() {}

    /** {@code (v / 255 - mean) / std} per channel, as one multiplication and one addition: U8 (N, H, W, 3) to F32 of the same shape. */
    static Tensor normalize(Tensor images, Normalization by) {
        double[] scale = new double[3];
        double[] shift = new double[3];
        for (int c = 0; c < 3; c++) {
            scale[c] = 1 / (255.0 * by.std()[c]);
            shift[c] = -by.mean()[c] / by.std()[c];
        }
        Context context = images.context();
        try (Context.Label _ = context.label("normalize")) {
            return images.cast(DType.F32).mulAdd(context.literal(TensorType.f32(3), scale), context.literal(TensorType.f32(3), shift));
        }
    }
}
