package dev.jacquard.cli;

import dev.jacquard.data.Normalization;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.models.SmallNetworks;
import dev.jacquard.tck.Comparator;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.tensor.random.Philox;
import dev.jacquard.train.TrainStep;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A training step of one network on two backends: loss, running statistics, and of every parameter its gradient (the momentum after one step is the gradient) and its new value. F32, where the
 * one must be as good as the other.
 */
final class TrainingTwins {
    private static final int BATCH = 4;
    private static final double RATE = 0.05;
    /** Values this much smaller than the largest of the step count as what is left when terms cancel. */
    private static final double CANCELS = 100;
    private static final TrainStep.Settings SETTINGS = new TrainStep.Settings(BATCH, SmallNetworks.IMAGE_SIZE, Normalization.IMAGENET, 0.1, 7);

    private TrainingTwins() {}

    /**
     * How two backends compare.
     *
     * @param loss on the one under test
     * @param values number of values compared
     * @param used part of the tolerance that the worst of them takes
     * @param problems what lies outside of it
     */
    record Result(double loss, long values, double used, List<String> problems) {}

    /** Compares. @param want the backend that is trusted @param tolerances by which results are judged */
    static Result compare(SmallNetworks.Row network, Backend got, Backend want, Tolerance.Table tolerances) {
        Map<String, double[]> is = step(network, got);
        Map<String, double[]> should = step(network, want);
        Tolerance tolerance = tolerances.row(DType.F32, Accuracy.matmul(walk(network)));
        List<String> problems = new ArrayList<>();
        double largest = should.values().stream().mapToDouble(TrainingTwins::largest).max().orElse(0);
        double used = 0;
        long values = 0;
        for (Map.Entry<String, double[]> e : should.entrySet()) {
            double[] w = e.getValue();
            double[] g = is.get(e.getKey());
            // Sums of a variable are of the size of its largest value. Where they cancel altogether (a bias before a normalisation has no gradient) their terms are of the size of the others.
            double scale = Math.max(largest(w), largest / CANCELS);
            TensorType type = TensorType.f32(w.length);
            Comparator.difference(type, g, w, tolerance, scale).ifPresent(p -> problems.add(e.getKey() + ": " + p));
            used = Math.max(used, Comparator.used(type, g, w, tolerance, scale));
            values += w.length;
        }
        return new Result(is.get("loss")[0], values, used, problems);
    }

    private static double largest(double[] values) {
        return Arrays.stream(values).map(Math::abs).max().orElse(0);
    }

    /** Rounding errors of each op enter the next one: the walk is as long as all sums of the step, one after the other. */
    private static long walk(SmallNetworks.Row network) {
        long length = 0;
        for (Node n : TrainStep.graph(network.create().get(), optimizer(), SETTINGS).nodes()) {
            length += n.op().accuracy(Graph.types(n.inputs())).length();
        }
        return length;
    }

    private static Optimizer optimizer() {
        return new Optimizer(new Update.SgdMomentum(0.9, 0, false));
    }

    /** Runs a step; what it leaves by name. */
    private static Map<String, double[]> step(SmallNetworks.Row network, Backend backend) {
        Module module = network.create().get();
        Optimizer optimizer = optimizer();
        Map<String, double[]> after = new LinkedHashMap<>();
        try (State state = new State(backend); TrainStep step = TrainStep.of(module, optimizer, SETTINGS, state); Arena arena = Arena.ofConfined()) {
            long pixels = (long) BATCH * SmallNetworks.IMAGE_SIZE * SmallNetworks.IMAGE_SIZE * 3;
            MemorySegment images = arena.allocate(pixels);
            for (long i = 0; i < pixels; i++) {
                images.set(ValueLayout.JAVA_BYTE, i, (byte) Philox.word(SETTINGS.seed(), 1, 0, i));
            }
            MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, BATCH);
            for (int i = 0; i < BATCH; i++) {
                labels.setAtIndex(ValueLayout.JAVA_INT, i, 3 * i % SmallNetworks.CLASSES);
            }
            step.feed(images, labels);
            step.compute(0, RATE);
            after.put("loss", new double[] {step.loss()});
            step.commit();
            List<Variable> all = new ArrayList<>(module.variables().values());
            all.addAll(optimizer.slots());
            backend.synchronize();
            for (Variable v : all) {
                float[] values = state.get(v);
                after.put(v.name(), IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray());
            }
        }
        return after;
    }
}
