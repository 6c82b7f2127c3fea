package dev.jacquard.cli;

import dev.jacquard.data.Normalization;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.mixedprecision.LossScale;
import dev.jacquard.mixedprecision.LossScaler;
import dev.jacquard.mixedprecision.MixedPrecision;
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
import java.util.Locale;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * A training step of one network on two backends: loss, running statistics, and of every parameter its gradient (the momentum after one step is the gradient) and its new value. In
 * F32, where the one must be as good as the other; and in mixed precision, where they must be as near to each other as both are to F32.
 */
final class TrainingTwins {
    private static final int BATCH = 4;
    private static final double RATE = 0.05;
    private static final String LOSS = "loss";
    private static final String STREAK = LossScaler.SCALE + ".streak";
    private static final String SKIPPED = LossScaler.SCALE + ".skipped";
    /** Measured: at most 1.6 for the CPU beside the reference, 2.7 for our CUDA kernels beside the CPU. */
    private static final double APART = 4;
    /** Values this much smaller than the largest of the step count as what is left when terms cancel. */
    private static final double CANCELS = 100;
    private static final TrainStep.Settings SETTINGS = new TrainStep.Settings(BATCH, SmallNetworks.IMAGE_SIZE, Normalization.IMAGENET, 0.1, 7);
    /** Of the half-precision twins: no gradient of these networks overflows or vanishes with it. */
    private static final double SCALE = 1024;
    /** The gradients of a loss of 1 overflow with it. */
    private static final double TOO_LARGE = 0x1p100;

    private TrainingTwins() {}

    /**
     * How two backends compare.
     *
     * @param loss on the one under test
     * @param values number of values compared
     * @param used part of the tolerance that the worst of them takes
     * @param skipped updates that the one under test skipped
     * @param problems what lies outside of it
     */
    record Result(double loss, long values, double used, long skipped, List<String> problems) {}

    /** Compares in F32. @param want the backend that is trusted @param tolerances by which results are judged */
    static Result compare(SmallNetworks.Row network, Backend got, Backend want, Tolerance.Table tolerances) {
        return compare(step(network, SETTINGS, got).after, step(network, SETTINGS, want).after, tolerances.row(DType.F32, Accuracy.matmul(walk(network))));
    }

    /**
     * Compares in mixed precision. Rounding to half precision moves gradients by percents where they cancel, so that no bound per value tells right from wrong: but two backends
     * may not be further apart, in each variable's norm, than {@value #APART} times what half precision moves the trusted one's variable away from F32, and what its row of the
     * table allows.
     *
     * @param half F16, with a loss scale, or BF16
     * @param want the backend that is trusted
     */
    static Result compare(SmallNetworks.Row network, DType half, Backend got, Backend want) {
        Run run = step(network, settings(half, SCALE), got);
        Map<String, double[]> is = run.after;
        Map<String, double[]> should = step(network, settings(half, SCALE), want).after;
        Map<String, double[]> exact = step(network, SETTINGS, want).after;
        Tolerance row = Tolerance.of(half, Accuracy.matmul(walk(network)));
        List<String> problems = new ArrayList<>();
        double used = 0;
        long values = 0;
        for (Map.Entry<String, double[]> e : exact.entrySet()) {
            double[] w = should.get(e.getKey());
            double apart = norm(i -> is.get(e.getKey())[i] - w[i], w.length);
            double allowed = APART * norm(i -> w[i] - e.getValue()[i], w.length) + norm(i -> row.at(w[i], largest(w)), w.length);
            if (!(apart <= allowed)) { // NaN is a problem, too
                problems.add(String.format(Locale.ROOT, "%s: %.3g apart in norm, %.3g allowed, of %.3g", e.getKey(), apart, allowed, norm(i -> w[i], w.length)));
            }
            used = Math.max(used, Double.isNaN(apart) ? Double.POSITIVE_INFINITY : apart / allowed);
            values += w.length;
        }
        return new Result(is.get(LOSS)[0], values, used, skipped(run), problems);
    }

    /** A step in F16 whose gradients overflow, on one backend: it is to change nothing, bit for bit, but halve the loss scale and count itself. */
    static Result overflow(SmallNetworks.Row network, Backend backend) {
        Run run = step(network, settings(DType.F16, TOO_LARGE), backend);
        List<String> problems = new ArrayList<>();
        long count = run.after.values().stream().mapToLong(v -> v.length).sum();
        run.after.forEach((name, values) -> {
            double[] should = switch (name) {
                case LOSS -> values;
                case LossScaler.SCALE -> new double[] {TOO_LARGE / 2};
                case SKIPPED -> new double[] {1};
                default -> run.before.get(name);
            };
            if (!name.equals(STREAK) && !Arrays.equals(values, should)) {
                problems.add(name + ": changed by a step that overflows");
            }
        });
        return new Result(run.after.get(LOSS)[0], count, 0, skipped(run), problems);
    }

    private static long skipped(Run run) {
        return (long) run.after.getOrDefault(SKIPPED, new double[1])[0];
    }

    private static double norm(IntToDoubleFunction of, int length) {
        return Math.sqrt(IntStream.range(0, length).mapToDouble(of).map(x -> x * x).sum());
    }

    private static TrainStep.Settings settings(DType half, double scale) {
        return SETTINGS.precision(new MixedPrecision(half, List.of(), half == DType.F16 ? new LossScale(scale, 2, 1000, 0.5, 1, 0) : null));
    }

    private static Result compare(Map<String, double[]> is, Map<String, double[]> should, Tolerance tolerance) {
        List<String> problems = new ArrayList<>();
        double largest = should.values().stream().mapToDouble(TrainingTwins::largest).max().orElse(0);
        double used = 0;
        long values = 0;
        for (Map.Entry<String, double[]> e : should.entrySet()) {
            double[] w = e.getValue();
            double[] g = is.get(e.getKey());
            // Sums of a variable are of the size of its largest value. Where they cancel altogether (a bias before a normalisation has no gradient) their terms are of the size of
            // the others.
            double scale = Math.max(largest(w), largest / CANCELS);
            TensorType type = TensorType.f32(w.length);
            Comparator.difference(type, g, w, tolerance, scale).ifPresent(p -> problems.add(e.getKey() + ": " + p));
            used = Math.max(used, Comparator.used(type, g, w, tolerance, scale));
            values += w.length;
        }
        return new Result(is.get(LOSS)[0], values, used, 0, problems);
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

    /** What variables are before a step, and after it, by name; and its loss. */
    private record Run(Map<String, double[]> before, Map<String, double[]> after) {}

    private static Run step(SmallNetworks.Row network, TrainStep.Settings settings, Backend backend) {
        Module module = network.create().get();
        Optimizer optimizer = optimizer();
        try (State state = new State(backend); TrainStep step = TrainStep.of(module, optimizer, settings, state); Arena arena = Arena.ofConfined()) {
            Map<String, double[]> before = values(state);
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
            double loss = step.loss();
            step.commit();
            backend.synchronize();
            Map<String, double[]> after = values(state);
            after.put(LOSS, new double[] {loss});
            return new Run(before, after);
        }
    }

    private static Map<String, double[]> values(State state) {
        Map<String, double[]> all = new LinkedHashMap<>();
        for (Variable v : state.variables()) {
            float[] values = state.get(v);
            all.put(v.name(), IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray());
        }
        return all;
    }
}
