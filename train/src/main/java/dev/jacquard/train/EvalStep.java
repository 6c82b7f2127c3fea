package dev.jacquard.train;

import dev.jacquard.data.Batch;
import dev.jacquard.data.Loader;
import dev.jacquard.data.Normalization;
import dev.jacquard.layers.Module;
import dev.jacquard.mixedprecision.EmulateTf32;
import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.passes.FrozenPlans;
import dev.jacquard.passes.Fusion;
import dev.jacquard.passes.ReadAverages;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * Evaluation as a plan for batches of a fixed size, and one more that reads averages in the place of weights, if there are any; of a partial batch the rest is computed and not
 * counted. Not thread-safe.
 */
public final class EvalStep implements AutoCloseable {
    private static final String IMAGES = "images";
    private static final String LOGITS = "logits";

    private final FrozenPlans frozen;
    private final List<Plan> plans;
    private final double smoothing;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment logits;
    private final int classes;

    /**
     * What is evaluated how.
     *
     * @param batch N
     * @param imageSize H = W
     * @param channels of the network's input; those after the third are zeros
     * @param normalization of the pixels
     * @param smoothing of the loss's targets
     * @param precision in which half-precision type; null for F32. Logits are F32 in any case
     */
    public record Settings(int batch, int imageSize, int channels, Normalization normalization, double smoothing, MixedPrecision precision) {
        /** In F32. */
        public Settings(int batch, int imageSize, int channels, Normalization normalization, double smoothing) {
            this(batch, imageSize, channels, normalization, smoothing, null);
        }
    }

    private EvalStep(FrozenPlans frozen, List<Plan> plans, double smoothing) {
        this.frozen = frozen;
        this.plans = plans;
        this.smoothing = smoothing;
        TensorType type = plans.getFirst().outputType(LOGITS);
        this.logits = arena.allocate(type.bytes(), 64);
        this.classes = Math.toIntExact(type.shape().dim(1));
    }

    /** Plans evaluation of a network that takes three channels; the module's variables must be in the state. */
    public static EvalStep of(Module module, int batch, int imageSize, Normalization normalization, State state) {
        return of(module, new Settings(batch, imageSize, 3, normalization, 0), Map.of(), state);
    }

    /** Plans evaluation. @param averages of which variable which is the average; empty for none @param state has all of them */
    public static EvalStep of(Module module, Settings s, Map<Variable, Variable> averages, State state) {
        GraphBuilder b = new GraphBuilder(false);
        Tensor pixels = b.input(IMAGES, TensorType.of(DType.U8, s.batch, s.imageSize, s.imageSize, 3));
        b.output(LOGITS, module.apply(Pixels.normalize(pixels, s.normalization, s.channels)));
        Graph raw = MixedPrecision.evaluation(s.precision).then(EmulateTf32.on(state.backend())).then(Fusion.ofEvaluation(state.backend())).apply(b.build());
        List<Graph> graphs = new ArrayList<>(List.of(raw));
        if (!averages.isEmpty()) {
            graphs.add(new ReadAverages(averages).apply(raw));
        }
        FrozenPlans frozen = new FrozenPlans(state);
        boolean done = false;
        try {
            EvalStep step = new EvalStep(frozen, frozen.together(graphs), s.smoothing);
            done = true;
            return step;
        } finally {
            if (!done) {
                frozen.close();
            }
        }
    }

    /**
     * Evaluates the variables as they are now on one epoch of a loader; they must not change meanwhile. @param cancelled asked before each batch @return of the weights, then of
     * the averages if there are any; null if cancelled
     */
    public List<Evaluation> run(Loader loader, BooleanSupplier cancelled) {
        frozen.prepare(); // weights may have changed since the last evaluation
        List<Tally> tallies = plans.stream().map(_ -> new Tally(classes, smoothing)).toList();
        for (Batch batch; (batch = loader.next()) != null;) {
            if (cancelled.getAsBoolean()) {
                return null;
            }
            plans.getFirst().feed(IMAGES, batch.images()); // the plans share them
            for (int p = 0; p < plans.size(); p++) {
                plans.get(p).run();
                plans.get(p).fetch(LOGITS, logits);
                for (int i = 0; i < batch.count(); i++) {
                    tallies.get(p).count(logits, i, batch.label(i));
                }
            }
        }
        return tallies.stream().map(Tally::result).toList();
    }

    /** Frees the plans; the state stays. */
    @Override
    public void close() {
        plans.forEach(Plan::close);
        frozen.close();
        arena.close();
    }
}
