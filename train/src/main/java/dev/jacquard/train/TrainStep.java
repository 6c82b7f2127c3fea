package dev.jacquard.train;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.data.Normalization;
import dev.jacquard.layers.Losses;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.passes.FuseNormalization;
import dev.jacquard.passes.FuseUpdates;
import dev.jacquard.passes.Pass;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * One training step as one plan: pixels, forward, loss, backward, optimizer, running statistics. Feeding and running it allocates nothing. Not
 * thread-safe.
 */
public final class TrainStep implements AutoCloseable {
    private final Plan plan;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment counter;
    private Buffer.Transfer nextImages;
    private Buffer.Transfer nextLabels;

    /**
     * What a step works on.
     *
     * @param batch N
     * @param imageSize H = W
     * @param normalization of the pixels
     * @param labelSmoothing of the targets
     * @param seed of the random numbers within the step, such as dropout's
     */
    public record Settings(int batch, int imageSize, Normalization normalization, double labelSmoothing, long seed) {}

    private TrainStep(Plan plan, long seed) {
        this.plan = plan;
        this.counter = plan.hasInput(GraphBuilder.RANDOM) ? arena.allocate(ValueLayout.JAVA_LONG, 2) : null;
        if (counter != null) {
            counter.setAtIndex(ValueLayout.JAVA_LONG, 0, seed);
        }
    }

    /** Plans the step; the module's variables and the optimizer's slots are added to the state unless they are there. */
    public static TrainStep of(Module module, Optimizer optimizer, Settings settings, State state) {
        Graph graph = graph(module, optimizer, settings, new FuseNormalization(state.backend()));
        List<Variable> all = new ArrayList<>(module.variables().values());
        all.addAll(optimizer.slots());
        state.initialize(all, settings.seed);
        return new TrainStep(Plan.of(new FuseUpdates(state.backend()).apply(graph), state), settings.seed);
    }

    /** The step as a graph: inputs images U8 (N, H, W, 3), labels I32 (N), lr F32 (); output loss F32 (). */
    public static Graph graph(Module module, Optimizer optimizer, Settings s) {
        return graph(module, optimizer, s, g -> g);
    }

    /** The step as a graph. @param forward rewrites the forward part, before its gradients are taken */
    public static Graph graph(Module module, Optimizer optimizer, Settings s, Pass forward) {
        Symbol loss = forward.apply(forward(module, s)).outputs().get("loss");
        GraphBuilder b = loss.builder();
        Tensor lr = b.input("lr", TensorType.f32());
        List<Variable> parameters = module.parameters();
        List<Tensor> gradients = Gradients.of(loss, parameters.stream().map(b::read).toList());
        optimizer.update(b, parameters, gradients, lr);
        return b.build();
    }

    private static Graph forward(Module module, Settings s) {
        GraphBuilder b = new GraphBuilder(true);
        Tensor images = b.input("images", TensorType.of(DType.U8, s.batch, s.imageSize, s.imageSize, 3));
        Tensor labels = b.input("labels", TensorType.of(DType.I32, s.batch));
        Tensor logits = module.apply(Pixels.normalize(images, s.normalization));
        try (var _ = b.label("loss")) {
            b.output("loss", Losses.crossEntropy(logits, labels, s.labelSmoothing));
        }
        return b.build();
    }

    /** What was planned. */
    public Plan plan() {
        return plan;
    }

    /**
     * Sets the batch of the next step. It may be called when the step at hand has been computed: a device then receives the one while it works on the other.
     *
     * @param images U8 (N, H, W, 3), native; unchanged until the next step's {@link #compute}
     * @param labels I32 (N), native, likewise
     */
    public void feed(MemorySegment images, MemorySegment labels) {
        nextImages = plan.stage("images", images);
        nextLabels = plan.stage("labels", labels);
    }

    /**
     * Starts to compute a step on the batch that was fed, without changing any variable yet.
     *
     * @param step from 0
     * @param lr learning rate
     */
    public void compute(long step, double lr) {
        nextImages.place();
        nextLabels.place();
        if (counter != null) {
            counter.setAtIndex(ValueLayout.JAVA_LONG, 1, step);
            plan.feed(GraphBuilder.RANDOM, counter);
        }
        plan.feed("lr", (float) lr);
        plan.compute();
    }

    /** Waits for the computed step. @return its loss, which may be NaN */
    public float loss() {
        return plan.scalar("loss");
    }

    /** Lets the computed step change the variables. */
    public void commit() {
        plan.commit();
    }

    /** Frees the plan; the state stays. */
    @Override
    public void close() {
        plan.close();
        arena.close();
    }
}
