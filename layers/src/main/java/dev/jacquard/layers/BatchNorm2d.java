package dev.jacquard.layers;

import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.op.FusedNormalization;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Normalization;
import dev.jacquard.tensor.op.Update;
import java.util.List;

/**
 * Batch normalisation over all axes but the last (Ioffe and Szegedy 2015, arXiv:1502.03167), with PyTorch's semantics. In training it normalises by the
 * statistics of the batch and moves the running ones: {@code running = (1 - momentum) running + momentum batch}, the variance being the unbiased one there. In
 * evaluation it normalises by the running ones, as one scale and one shift per channel.
 *
 * <p>Variables, all (C): {@code weight}, {@code bias}, {@code running_mean}, {@code running_var}.
 */
public final class BatchNorm2d extends Module {
    private final Settings settings;
    private final Variable weight;
    private final Variable bias;
    private final Variable runningMean;
    private final Variable runningVar;

    /**
     * The two constants.
     *
     * @param eps added to the variance
     * @param momentum share of the new batch in the running statistics (PyTorch's sense: TensorFlow's is one minus it)
     */
    public record Settings(double eps, double momentum) {
        /** PyTorch's defaults: 1e-5 and 0.1. */
        public static final Settings STANDARD = new Settings(1e-5, 0.1);
    }

    /** Normalisation of C channels with the standard settings; the weight begins as 1, the bias as 0. */
    public BatchNorm2d(long channels) {
        this(channels, Settings.STANDARD, 1);
    }

    /** Normalisation of C channels. @param gamma first value of the weight: 1, or 0 for the last one of a residual branch that shall begin as the identity */
    public BatchNorm2d(long channels, Settings settings, double gamma) {
        Shape c = Shape.of(channels);
        this.settings = settings;
        this.weight = parameter("weight", c, Initializer.constant((float) gamma));
        this.bias = parameter("bias", c, Initializer.ZEROS);
        this.runningMean = statistic("running_mean", c, Initializer.ZEROS);
        this.runningVar = statistic("running_var", c, Initializer.constant(1));
    }

    @Override
    protected Tensor forward(Tensor x) {
        return x.context().training() ? byBatch(x) : byRunning(x);
    }

    private Tensor byBatch(Tensor x) {
        Context context = x.context();
        long n = x.shape().size() / Math.max(x.shape().dim(-1), 1);
        if (n < 2) {
            throw new ShapeException("batch_norm", "too few values per channel to have a variance", n + " in " + x.shape(), "2 or more in training",
                    "use a larger batch or larger images");
        }
        List<Tensor> out = x.applyAll(new Normalization.BatchNorm(settings.eps), context.read(weight), context.read(bias));
        move(runningMean, out.get(1), 1);
        move(runningVar, out.get(2), n / (n - 1.0));
        return out.getFirst();
    }

    /** {@code running = (1 - momentum) running + momentum gain batch}, as an update, of which a device moves a whole network's in one launch. */
    private void move(Variable running, Tensor batch, double gain) {
        Context context = batch.context();
        Tensor keep = context.fill(running.type().withShape(Shape.scalar()), 1 - settings.momentum);
        context.write(running, context.read(running).apply(new Update.Average(gain), batch, keep));
    }

    private Tensor byRunning(Tensor x) {
        Context context = x.context();
        Tensor scale = context.read(weight).mul(context.read(runningVar).add(settings.eps).rsqrt());
        Tensor shift = context.read(bias).sub(context.read(runningMean).mul(scale));
        return x.apply(new FusedNormalization.ScaleShift(Nonlinearity.NONE, false), scale, shift);
    }
}
