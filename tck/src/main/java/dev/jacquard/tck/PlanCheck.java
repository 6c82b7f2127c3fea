package dev.jacquard.tck;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Normalization;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.op.Window;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.tensor.random.Philox;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Whole training steps of a small network (convolution, batch normalisation, ReLU, max-pooling, depthwise convolution, SiLU, linear layer, cross-entropy,
 * gradients, momentum) as a plan on a backend, against the same on the reference, and against the same run eagerly: memory that is reused too early, updates
 * in the wrong order or in the wrong place show here and nowhere else.
 */
public final class PlanCheck {
    private static final int N = 4;
    private static final int SIZE = 9;
    private static final int CHANNELS = 3;
    private static final int FILTERS = 10;
    private static final int CLASSES = 5;

    private final long seed;
    private final List<Variable> parameters = new ArrayList<>();
    private final Map<Variable, Variable> momenta = new LinkedHashMap<>();
    private final Variable conv = parameter("conv", -0.4, 0.4, FILTERS, 3, 3, CHANNELS);
    private final Variable gamma = parameter("gamma", 0.8, 1.2, FILTERS);
    private final Variable beta = parameter("beta", -0.2, 0.2, FILTERS);
    private final Variable depthwise = parameter("depthwise", -0.4, 0.4, FILTERS, 3, 3, 1);
    private final Variable weight = parameter("weight", -0.5, 0.5, CLASSES, FILTERS);
    private final Variable bias = parameter("bias", -0.1, 0.1, CLASSES);
    private final Variable runningMean = new Variable(() -> "running_mean", TensorType.f32(FILTERS), Variable.Role.STATISTIC, Initializer.ZEROS);

    private PlanCheck(long seed) {
        this.seed = seed;
    }

    private Variable parameter(String name, double lo, double hi, long... dims) {
        int stream = parameters.size();
        Initializer uniform = (shape, _) -> {
            float[] v = new float[Math.toIntExact(shape.size())];
            for (int i = 0; i < v.length; i++) {
                v[i] = (float) (lo + (hi - lo) * Philox.uniform(Philox.word(seed, stream, 0, i)));
            }
            return v;
        };
        Variable v = new Variable(() -> name, TensorType.f32(dims), Variable.Role.PARAMETER, uniform);
        parameters.add(v);
        momenta.put(v, new Variable(() -> name + ".momentum", v.type(), Variable.Role.SLOT, Initializer.ZEROS));
        return v;
    }

    /** What a run leaves: loss and logits of every step, and all variables at its end. */
    private record Trace(List<double[]> losses, List<double[]> logits, Map<String, double[]> variables) {}

    /**
     * Trains for some steps.
     *
     * @throws AssertionError naming the step and the value that differ
     */
    public static void check(Backend backend, int steps, long seed) {
        PlanCheck network = new PlanCheck(seed);
        Trace want = network.planned(Oracle.reference(), steps);
        Trace got = network.planned(backend, steps);
        String rerun = "\n  rerun: " + Case.rerun(backend.name(), name(backend, steps), seed);
        compare(backend.name() + " plan against the reference's", got, want, steps, rerun);
        compare(backend.name() + " eager against its plan", network.eager(backend, steps), got, steps, rerun);
    }

    /** The case's name. */
    static String name(Backend backend, int steps) {
        return backend.name() + " plan of a small network, " + steps + (steps == 1 ? " step" : " steps");
    }

    /** Results: loss, logits. Writes all variables. */
    private List<Tensor> step(Context c, Tensor images, Tensor labels) {
        Tensor x = images.conv2d(c.read(conv), Window.of(1, 1), 1);
        List<Tensor> normalised = x.applyAll(new Normalization.BatchNorm(1e-5), c.read(gamma), c.read(beta));
        Tensor pooled = normalised.getFirst().relu().maxPool2d(3, 3, Window.of(2, 1));
        Tensor deep = pooled.conv2d(c.read(depthwise), Window.of(1, 1), FILTERS).silu().add(pooled);
        Tensor logits = deep.globalAvgPool2d().matmul(c.read(weight), true).add(c.read(bias));
        Tensor loss = labels.oneHot(CLASSES).mul(logits.logSoftmax()).sum().mul(-1.0 / N);
        List<Tensor> values = parameters.stream().map(c::read).toList();
        List<Tensor> gradients = Gradients.of(loss, values);
        Tensor rate = c.fill(TensorType.f32(), 0.1);
        for (int i = 0; i < values.size(); i++) {
            Variable v = parameters.get(i);
            List<Tensor> updated = values.get(i).applyAll(new Update.SgdMomentum(0.9, 1e-3, i % 2 == 1), c.read(momenta.get(v)), gradients.get(i), rate);
            c.write(v, updated.get(0));
            c.write(momenta.get(v), updated.get(1));
        }
        c.write(runningMean, c.read(runningMean).mul(0.9).add(normalised.get(1).mul(0.1)));
        return List.of(loss, logits);
    }

    private List<Variable> variables() {
        List<Variable> all = new ArrayList<>(parameters);
        all.addAll(momenta.values());
        all.add(runningMean);
        return all;
    }

    private double[] images(int step) {
        return GradCheck.noise(TensorType.f32(N, SIZE, SIZE, CHANNELS), seed, 100 + step);
    }

    private double[] labels(int step) {
        double[] v = new double[N];
        for (int i = 0; i < N; i++) {
            v[i] = Math.floor(CLASSES * Philox.uniform(Philox.word(seed, 200, step, i)));
        }
        return v;
    }

    private Trace planned(Backend backend, int steps) {
        GraphBuilder b = new GraphBuilder(true);
        List<Tensor> results = step(b, b.input("images", TensorType.f32(N, SIZE, SIZE, CHANNELS)), b.input("labels", TensorType.of(DType.I32, N)));
        b.output("loss", results.get(0));
        b.output("logits", results.get(1));
        Graph graph = b.build();
        Trace trace = new Trace(new ArrayList<>(), new ArrayList<>(), new LinkedHashMap<>());
        try (State state = new State(backend).initialize(variables(), seed); Plan plan = Plan.of(graph, state); Arena arena = Arena.ofConfined()) {
            MemorySegment images = arena.allocate(ValueLayout.JAVA_FLOAT, (long) N * SIZE * SIZE * CHANNELS);
            MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, N);
            for (int step = 0; step < steps; step++) {
                double[] x = images(step);
                double[] t = labels(step);
                for (int i = 0; i < x.length; i++) {
                    images.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) x[i]);
                }
                for (int i = 0; i < t.length; i++) {
                    labels.setAtIndex(ValueLayout.JAVA_INT, i, (int) t[i]);
                }
                plan.feed("images", images);
                plan.feed("labels", labels);
                plan.run();
                trace.losses().add(doubles(plan.floats("loss")));
                trace.logits().add(doubles(plan.floats("logits")));
            }
            backend.synchronize();
            variables().forEach(v -> trace.variables().put(v.name(), doubles(state.get(v))));
        }
        return trace;
    }

    private Trace eager(Backend backend, int steps) {
        Trace trace = new Trace(new ArrayList<>(), new ArrayList<>(), new LinkedHashMap<>());
        try (Scope s = Scope.training(backend)) {
            for (int step = 0; step < steps; step++) {
                List<Tensor> results = step(s, s.tensor(TensorType.f32(N, SIZE, SIZE, CHANNELS), images(step)), s.tensor(TensorType.of(DType.I32, N), labels(step)));
                trace.losses().add(((EagerTensor) results.get(0)).doubles());
                trace.logits().add(((EagerTensor) results.get(1)).doubles());
            }
            variables().forEach(v -> trace.variables().put(v.name(), ((EagerTensor) s.read(v)).doubles()));
        }
        return trace;
    }

    private static double[] doubles(float[] values) {
        double[] d = new double[values.length];
        for (int i = 0; i < d.length; i++) {
            d[i] = values[i];
        }
        return d;
    }

    private static void compare(String what, Trace got, Trace want, int steps, String rerun) {
        // Errors of a step enter the next one: the walk is as long as all that was summed so far.
        Tolerance tolerance = Tolerance.of(DType.F32, Accuracy.matmul((long) steps * N * SIZE * SIZE * FILTERS));
        for (int step = 0; step < steps; step++) {
            same(what + ", loss of step " + step, got.losses().get(step), want.losses().get(step), tolerance, rerun);
            same(what + ", logits of step " + step, got.logits().get(step), want.logits().get(step), tolerance, rerun);
        }
        want.variables().forEach((name, v) -> same(what + ", " + name + " after " + steps + " steps", got.variables().get(name), v, tolerance, rerun));
    }

    private static void same(String what, double[] got, double[] want, Tolerance tolerance, String rerun) {
        Comparator.difference(new TensorType(DType.F32, Shape.of(want.length)), got, want, tolerance, 1).ifPresent(problem -> {
            throw new AssertionError(what + ": FAIL\n  " + problem + rerun);
        });
    }
}
