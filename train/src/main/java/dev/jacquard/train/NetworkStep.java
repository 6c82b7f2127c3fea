package dev.jacquard.train;

import dev.jacquard.layers.Decay;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.mixedprecision.EmulateTf32;
import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.models.ModelRow;
import dev.jacquard.models.Models;
import dev.jacquard.passes.Fusion;
import dev.jacquard.passes.Pass;
import dev.jacquard.passes.StripCasts;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Update;

/**
 * One step of a published network, to be looked at or timed: what {@code ./jacquard plan} and {@code ./jacquard bench} mean by one. {@link NetworkRun} plans it.
 *
 * @param work what is done
 * @param row the architecture, with as many classes as it is published with
 * @param batch images
 * @param imageSize their height and width in pixels
 * @param precision how half precision is used; null for F32. Its loss scale acts in training only
 */
public record NetworkStep(Work work, ModelRow row, int batch, int imageSize, MixedPrecision precision) {
    /** What the network does. */
    public enum Work {
        /** Forward, loss with label smoothing 0.1, backward, optimizer: momentum for ResNets, RMSProp for EfficientNets. */
        TRAIN,
        /** F32 logits of normalised F32 images. */
        INFER
    }

    static final String LOGITS = "logits";
    private static final String IMAGES = "images";

    /** Checks the sizes. @throws CallerException if batch or size is not positive */
    public NetworkStep {
        if (batch < 1 || imageSize < 1) {
            throw new CallerException("batch and image size", "out of range", batch + " images of " + imageSize, "1 or more", "give other values");
        }
    }

    /**
     * A step of a network by name.
     *
     * @param imageSize 0 for the architecture's own
     * @param precision null for F32
     * @throws CallerException if there is no such architecture, or batch or size is not positive
     */
    public static NetworkStep of(Work work, String arch, int batch, int imageSize, MixedPrecision precision) {
        ModelRow row = Models.row(arch);
        return new NetworkStep(work, row, batch, imageSize == 0 ? row.resolution() : imageSize, precision);
    }

    /**
     * The graph that a backend plans: in its precision, with what the backend fuses. Inputs of training as {@link TrainStep#graph} has them, of inference images F32 (N, H, W, C).
     */
    public Graph graph(Backend backend) {
        return work == Work.TRAIN ? EmulateTf32.on(backend).then(Fusion.ofStep(backend)).apply(training(Fusion.beforeGradients(backend)))
                : MixedPrecision.pass(precision).then(EmulateTf32.on(backend)).then(Fusion.ofEvaluation(backend)).apply(forward());
    }

    /** The same before a backend fuses any of it: where each cast still is a node of its own. */
    public Graph unfused() {
        return work == Work.TRAIN ? new StripCasts().apply(training(g -> g)) : MixedPrecision.pass(precision).apply(forward());
    }

    /** Inference as the model says it: F32, nothing fused. */
    public Graph forward() {
        GraphBuilder b = new GraphBuilder(false);
        Module module = row.create(row.defaults());
        b.output(LOGITS, module.apply(b.input(IMAGES, TensorType.f32(batch, imageSize, imageSize, row.defaults().channels()))));
        return b.build();
    }

    private Graph training(Pass forward) {
        Module module = row.create(row.defaults());
        TrainStep.Settings settings = new TrainStep.Settings(batch, imageSize, Trainer.NORMALIZATION, 0.1, 1).channels(row.defaults().channels()).precision(precision);
        return TrainStep.graph(module, new Optimizer(rule(), Decay.ALL, module), settings, forward);
    }

    private Update.Rule rule() {
        return row.name().startsWith("efficientnet") ? new Update.RmsProp(0.9, 0.01, 0.9, 1e-5, Update.RmsProp.Form.PYTORCH)
                : new Update.SgdMomentum(0.875, 3e-5, false, Update.SgdMomentum.Form.PYTORCH);
    }

    /** {@code resnet50, training step, batch 128 of 224 x 224, bf16}. */
    @Override
    public String toString() {
        return "%s, %s, batch %d of %d x %d, %s".formatted(row.name(), work == Work.TRAIN ? "training step" : "inference", batch, imageSize, imageSize, precision == null ? "f32"
                : precision.type());
    }
}
