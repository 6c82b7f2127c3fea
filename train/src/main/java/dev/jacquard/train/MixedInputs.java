package dev.jacquard.train;

import dev.jacquard.data.Mixer;
import dev.jacquard.data.Normalization;
import dev.jacquard.layers.Losses;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Images;
import dev.jacquard.tensor.plan.Plan;

/**
 * What a step on mixed images is fed besides images and labels, see {@link Mixer}, and where it goes: a few numbers per image, with which the device mixes while it normalises, and
 * weighs two labels in the loss. A step without mixing has {@link Pixels#normalize} and {@link Losses#crossEntropy} in their places.
 *
 * @param partners I32 (N)
 * @param weights F32 (N)
 * @param boxes I32 (N, 4)
 * @param partnerLabels I32 (N)
 * @param labelWeights F32 (N)
 */
record MixedInputs(Tensor partners, Tensor weights, Tensor boxes, Tensor partnerLabels, Tensor labelWeights) {
    /** Adds the inputs {@code partners}, {@code weights}, {@code boxes}, {@code partner_labels} and {@code label_weights} to a graph of N images. */
    static MixedInputs of(GraphBuilder b, int n) {
        return new MixedInputs(b.input("partners", TensorType.of(DType.I32, n)), b.input("weights", TensorType.f32(n)), b.input("boxes", TensorType.of(DType.I32, n, 4)),
                b.input("partner_labels", TensorType.of(DType.I32, n)), b.input("label_weights", TensorType.f32(n)));
    }

    /** Mixed and normalised pixels: U8 (N, H, W, 3) to F32 (N, H, W, channels), zeros in the channels after the third. */
    Tensor normalize(Tensor images, Normalization by, int channels) {
        try (Context.Label _ = images.context().label("mix")) {
            return Pixels.padded(images.apply(new Images.Mix(Pixels.by(by)), partners, weights, boxes), channels);
        }
    }

    /** Cross-entropy with both labels of each image, smoothed. @param logits (N, C) @param labels I32 (N), the images' own */
    Tensor crossEntropy(Tensor logits, Tensor labels, double smoothing) {
        return Losses.mixedCrossEntropy(logits, labels, partnerLabels, labelWeights.cast(logits.dtype()), smoothing);
    }

    /** Begins to feed what was drawn; the mixer's memory stays as it is until the transfer is placed. */
    static Buffer.Transfer stage(Plan plan, Mixer drawn) {
        Buffer.Transfer partners = plan.stage("partners", drawn.partners());
        Buffer.Transfer weights = plan.stage("weights", drawn.weights());
        Buffer.Transfer boxes = plan.stage("boxes", drawn.boxes());
        Buffer.Transfer partnerLabels = plan.stage("partner_labels", drawn.partnerLabels());
        Buffer.Transfer labelWeights = plan.stage("label_weights", drawn.labelWeights());
        return () -> {
            partners.place();
            weights.place();
            boxes.place();
            partnerLabels.place();
            labelWeights.place();
        };
    }
}
