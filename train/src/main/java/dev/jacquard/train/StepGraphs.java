package dev.jacquard.train;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.layers.Losses;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.mixedprecision.GuardUpdates;
import dev.jacquard.mixedprecision.LossScaler;
import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.passes.Pass;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Update;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * The graphs of a training step. Without accumulation there is one. With it a step is a micro-step, of which {@code n} make an update: all but the last of them add their gradient
 * to an <i>accumulator</i> of each parameter, the last one adds it to what is there and applies the sum. The loss is divided by {@code n} before its gradients are taken, as
 * PyTorch users do, so that the sum is the gradient of the mean.
 *
 * <p>Accumulators are never cleared: the first micro-step of an update overwrites them, by the scalar input {@link #KEEP}.
 *
 * <p>Where the loss is scaled, what is accumulated are gradients of the scaled loss, as PyTorch users do: an update unscales their sums, looks whether they are finite, and is
 * skipped whole if not. A micro-step before it looks at its own gradients, and leaves running statistics and averages alone if they are not finite.
 */
final class StepGraphs {
    static final String IMAGES = "images";
    static final String LABELS = "labels";
    static final String LR = "lr";
    static final String LOSS = "loss";
    /** F32 (), 0 at an update's first micro-step, else 1: the share of the accumulators that stays. */
    static final String KEEP = "keep";
    /** F32 (), the share that averages keep of themselves. */
    static final String AVERAGE_DECAY = "average_decay";
    /** I32 (), updates including this one; for optimizers that count. */
    static final String UPDATES = "updates";
    private static final String ACCUMULATOR = "accumulator.";

    private final Module module;
    private final Optimizer optimizer;
    private final TrainStep.Settings settings;
    private final Pass forward;
    private final Map<Variable, Variable> accumulators = new LinkedHashMap<>();
    /** Null if the loss is not scaled. */
    private final LossScaler scaler;

    /** @param forward rewrites the forward part, before its gradients are taken @param known the variable of a name, where there is one already; null where not */
    StepGraphs(Module module, Optimizer optimizer, TrainStep.Settings settings, Pass forward, Function<String, Variable> known) {
        this.module = module;
        this.optimizer = optimizer;
        this.settings = settings;
        this.forward = MixedPrecision.pass(settings.precision()).then(forward);
        this.scaler = settings.precision() == null || settings.precision().scale() == null ? null : new LossScaler(settings.precision().scale(), known);
        if (settings.accumulation() > 1) {
            for (Variable p : module.parameters()) {
                Variable there = known.apply(ACCUMULATOR + p.name());
                accumulators.put(p, there != null ? there : new Variable(() -> ACCUMULATOR + p.name(), p.type(), Variable.Role.SLOT, Initializer.ZEROS));
            }
        }
    }

    /** For each parameter the variable that its gradients are added up in; empty without accumulation. */
    List<Variable> accumulators() {
        return List.copyOf(accumulators.values());
    }

    /** Whether a variable holds sums of gradients, which may be infinite where the loss is scaled: the update to come is skipped then. */
    static boolean isAccumulator(Variable v) {
        return v.name().startsWith(ACCUMULATOR);
    }

    /** What scales the loss; null if nothing does. Its variables are known once {@link #update} was called. */
    LossScaler scaler() {
        return scaler;
    }

    /** The step that changes the parameters: all of them, or the last micro-step. */
    Graph update() {
        Symbol loss = loss();
        GraphBuilder b = loss.builder();
        Tensor lr = b.input(LR, TensorType.f32());
        List<Tensor> gradients = gradients(loss);
        addAccumulated(b, gradients);
        Tensor overflow = null;
        if (scaler != null) {
            try (Context.Label _ = b.label(LossScaler.SCALE)) {
                LossScaler.Unscaled unscaled = scaler.unscale(gradients);
                gradients = unscaled.gradients();
                overflow = unscaled.overflow();
            }
        }
        if (settings.clip() != null) {
            try (Context.Label _ = b.label("clip")) {
                gradients = b.apply(settings.clip(), gradients).subList(0, gradients.size()); // the norm comes last
            }
        }
        move(b, gradients, lr, overflow);
        return overflow == null ? b.build() : guarded(b, overflow);
    }

    /** Adds what earlier micro-steps have left. */
    private void addAccumulated(GraphBuilder b, List<Tensor> gradients) {
        if (!accumulators.isEmpty()) {
            List<Variable> parameters = module.parameters();
            try (Context.Label _ = b.label("accumulation")) {
                for (int i = 0; i < gradients.size(); i++) {
                    gradients.set(i, b.read(accumulators.get(parameters.get(i))).apply(new Update.Accumulate(), gradients.get(i), b.fill(TensorType.f32(), 1)));
                }
            }
        }
    }

    /** Writes parameters, slots, averages, and the scale. @param overflow not 0 for a step that is skipped; null if none is */
    private void move(GraphBuilder b, List<Tensor> gradients, Tensor lr, Tensor overflow) {
        Averaging averaging = settings.averaging();
        // the host knows the number of updates, and what follows from it, unless some are skipped
        boolean averagesByCount = overflow != null && averaging != null && averaging.countsUpdates();
        Tensor count = optimizer.needsStep() || averagesByCount ? count(b, overflow) : null;
        Tensor decay = averagesByCount ? averaging.decay(count) : averaging != null ? averageDecay(b) : null;
        optimizer.update(b, module.parameters(), gradients, new Optimizer.Scalars(lr, optimizer.needsStep() ? count : null, decay, null));
        if (decay != null) {
            optimizer.averages().update(b, module.statistics(), decay, null);
        }
        if (overflow != null) {
            try (Context.Label _ = b.label(LossScaler.SCALE)) {
                scaler.follow(overflow);
            }
        }
    }

    /** Updates including this one; skipped ones do not count. @param overflow null if none is skipped */
    private Tensor count(GraphBuilder b, Tensor overflow) {
        if (overflow == null) {
            return b.input(UPDATES, TensorType.of(DType.I32));
        }
        try (Context.Label _ = b.label(LossScaler.SCALE)) {
            return scaler.counted(overflow);
        }
    }

    /** What was recorded, in which nothing but the scale and the accumulators is written if the flag is not 0. */
    private Graph guarded(GraphBuilder b, Tensor overflow) {
        b.output(LossScaler.OVERFLOW, overflow);
        Set<Variable> free = new HashSet<>(scaler.own());
        free.addAll(accumulators.values()); // that they are not finite is how the update learns of it
        return new GuardUpdates(LossScaler.OVERFLOW, free).apply(b.build());
    }

    /** A micro-step before the last one. */
    Graph accumulate() {
        Symbol loss = loss();
        GraphBuilder b = loss.builder();
        Tensor keep = b.input(KEEP, TensorType.f32());
        List<Tensor> gradients = gradients(loss);
        try (Context.Label _ = b.label("accumulation")) {
            int i = 0;
            for (Variable sum : accumulators.values()) {
                b.write(sum, b.read(sum).apply(new Update.Accumulate(), gradients.get(i++), keep));
            }
        }
        if (settings.averaging() != null && settings.averaging().cadence() == Averaging.Cadence.STEP) {
            optimizer.averages().update(b, module.variables().values(), averageDecay(b), null);
        }
        return scaler == null ? b.build() : guarded(b, overflow(b, gradients));
    }

    private static Tensor overflow(GraphBuilder b, List<Tensor> gradients) {
        try (Context.Label _ = b.label(LossScaler.SCALE)) {
            return LossScaler.overflow(gradients);
        }
    }

    private static Tensor averageDecay(GraphBuilder b) {
        return b.input(AVERAGE_DECAY, TensorType.f32());
    }

    private List<Tensor> gradients(Symbol loss) {
        GraphBuilder b = loss.builder();
        int n = settings.accumulation();
        Tensor cotangent = scaler == null ? b.fill(loss.type(), 1.0 / n) : scaler.cotangent(b, n);
        return new ArrayList<>(Gradients.of(loss, cotangent, module.parameters().stream().map(b::read).toList()));
    }

    private Symbol loss() {
        GraphBuilder b = new GraphBuilder(true);
        TrainStep.Settings s = settings;
        Tensor images = b.input(IMAGES, TensorType.of(DType.U8, s.batch(), s.imageSize(), s.imageSize(), 3));
        Tensor labels = b.input(LABELS, TensorType.of(DType.I32, s.batch()));
        MixedInputs mixed = s.mixed() ? MixedInputs.of(b, s.batch()) : null;
        Tensor pixels = mixed == null ? Pixels.normalize(images, s.normalization(), s.channels()) : mixed.normalize(images, s.normalization(), s.channels());
        Tensor logits = module.apply(pixels);
        try (Context.Label _ = b.label(LOSS)) {
            b.output(LOSS, mixed == null ? Losses.crossEntropy(logits, labels, s.labelSmoothing()) : mixed.crossEntropy(logits, labels, s.labelSmoothing()));
        }
        return forward.apply(b.build()).outputs().get(LOSS);
    }
}
