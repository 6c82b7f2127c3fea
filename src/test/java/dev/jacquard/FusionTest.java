package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.cpu.CpuBackend;
import dev.jacquard.data.Normalization;
import dev.jacquard.emulator.EmulatorDriver;
import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.kernels.Selection;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.mixedprecision.Autocast;
import dev.jacquard.models.Models;
import dev.jacquard.models.SmallNetworks;
import dev.jacquard.passes.FuseGates;
import dev.jacquard.passes.FuseNormalization;
import dev.jacquard.passes.FuseNormalizationGradients;
import dev.jacquard.passes.FuseProducts;
import dev.jacquard.passes.FuseShortcuts;
import dev.jacquard.passes.Pass;
import dev.jacquard.passes.StripCasts;
import dev.jacquard.tck.Comparator;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.FusedNormalization;
import dev.jacquard.tensor.op.FusedProduct.BackwardDataSum;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.Plan;
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
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A fused step means what the step means: planned on the CPU or the reference, where the fused ops are their definitions, it gives the same loss and, within rounding, the same
 * variables.
 */
class FusionTest {
    private static final Backend CPU = new CpuBackend(2);
    private static final Backend REFERENCE = new ReferenceBackend();
    private static final int BATCH = 4;
    private static final TrainStep.Settings SETTINGS = new TrainStep.Settings(BATCH, SmallNetworks.IMAGE_SIZE, Normalization.IMAGENET, 0.1, 7);
    private static final Pass NONE = g -> g;
    private static final Pass NORMALIZATION = new FuseNormalization((_, _) -> true);
    private static final Pass SHORTCUTS = new FuseShortcuts((_, _) -> true);
    private static final Pass SUMS = SHORTCUTS.then(new FuseNormalizationGradients((_, _) -> true));
    private static final Pass GATES = new FuseGates((_, _) -> true);
    private static final Pass PRODUCTS = new FuseProducts((_, _) -> true);

    @AfterAll
    static void close() {
        CPU.close();
    }

    private static long fused(Graph g) {
        return g.nodes().stream().filter(n -> n.op() instanceof FusedNormalization).count();
    }

    @ParameterizedTest
    @ValueSource(strings = {"resnet", "se-resnext", "efficientnet"})
    void aFusedStepEqualsTheStep(String family) {
        Map<String, double[]> want = step(CPU, network(family), NONE, NONE);
        Map<String, double[]> got = step(CPU, network(family), NORMALIZATION, NONE);
        assertEquals(want.keySet(), got.keySet());
        assertEquals(want.get("loss")[0], got.get("loss")[0], "the forward definition is made of the same ops: bitwise");
        long terms = (long) BATCH * SmallNetworks.IMAGE_SIZE * SmallNetworks.IMAGE_SIZE; // of the longest sums, over the first layer's pixels
        Tolerance tolerance = Tolerance.of(DType.F32, Accuracy.reduce(terms));
        want.forEach((name, values) -> {
            double scale = Math.max(1, Arrays.stream(values).map(Math::abs).max().orElse(0));
            assertEquals(Optional.empty(), Comparator.difference(TensorType.f32(values.length), got.get(name), values, tolerance, scale), name);
        });
    }

    /** On the reference the definitions are made of the same ops, whether together or apart. */
    @ParameterizedTest
    @ValueSource(strings = "efficientnet")
    void fusedProductsChangeNoBitOfAStep(String family) {
        Map<String, double[]> want = step(REFERENCE, network(family), NORMALIZATION, NONE);
        Map<String, double[]> got = step(REFERENCE, network(family), NORMALIZATION, PRODUCTS);
        assertEquals(want.keySet(), got.keySet());
        want.forEach((name, values) -> assertArrayEquals(values, got.get(name), name));
    }

    /** Every block has a shortcut's gradient, which in residual networks comes out of a ReLU, but for the first block's, out of a pool. On the reference not a bit changes. */
    @ParameterizedTest
    @CsvSource({"resnet, 3, 2", "se-resnext, 3, 2", "efficientnet, 2, 0"})
    void shortcutsChangeNoBitOfAStep(String family, int sums, int rectified) {
        Graph graph = SHORTCUTS.apply(TrainStep.graph(network(family).create().get(), new Optimizer(new Update.SgdMomentum(0.9, 0, false)), SETTINGS, NORMALIZATION));
        List<BackwardDataSum> all = graph.nodes().stream().map(Node::op).filter(BackwardDataSum.class::isInstance).map(BackwardDataSum.class::cast).toList();
        assertEquals(sums, all.size());
        assertEquals(rectified, all.stream().filter(BackwardDataSum::rectified).count(), all.toString());
        Map<String, double[]> want = step(REFERENCE, network(family), NORMALIZATION, NONE);
        Map<String, double[]> got = step(REFERENCE, network(family), NORMALIZATION, SHORTCUTS);
        want.forEach((name, values) -> assertArrayEquals(values, got.get(name), name));
    }

    /** Normalisations whose gradients come from a convolution of one group: all but the last one's, and in networks of groups those behind which a grouped one is. */
    @ParameterizedTest
    @ValueSource(strings = {"resnet", "se-resnext", "efficientnet"})
    void sumsOfNormalisationsChangeNoBitOfAStep(String family) {
        Graph graph = SUMS.apply(TrainStep.graph(network(family).create().get(), new Optimizer(new Update.SgdMomentum(0.9, 0, false)), SETTINGS, NORMALIZATION));
        assertTrue(count(graph, "backward_data_statistics") > 0);
        assertEquals(count(graph, "backward_data_statistics"), count(graph, "normalize_backward"));
        Map<String, double[]> want = step(REFERENCE, network(family), NORMALIZATION, NONE);
        Map<String, double[]> got = step(REFERENCE, network(family), NORMALIZATION, SUMS);
        want.forEach((name, values) -> assertArrayEquals(values, got.get(name), name));
    }

    /** What is behind a gate in a training step: the product is not stored, and not a bit changes. */
    @Test
    void gatesChangeNoBitOfAStep() {
        Graph graph = GATES.apply(TrainStep.graph(network("se-resnext").create().get(), new Optimizer(new Update.SgdMomentum(0.9, 0, false)), SETTINGS, NORMALIZATION));
        assertEquals(1, count(graph, "kept_gate"));
        assertEquals(1, count(graph, "gate_residual"));
        assertEquals(2, count(graph, "squeeze_excite"), "behind which the shortcut has a normalisation, which takes the sum");
        Map<String, double[]> want = step(REFERENCE, network("se-resnext"), NORMALIZATION, NONE);
        Map<String, double[]> got = step(REFERENCE, network("se-resnext"), NORMALIZATION, GATES);
        want.forEach((name, values) -> assertArrayEquals(values, got.get(name), name));
    }

    /**
     * With the CUDA backend's own kernels on an emulated device: statistics come from the convolutions that it has them for, in TF32, and the step is the step without them but for
     * rounding.
     */
    @Test
    void statisticsOfTensorCoresMakeTheSameStep() {
        try (Backend cuda = new CudaBackend("emulator", new EmulatorDriver(), false, new MatrixOptions(true, Selection.BY_RULE))) {
            Map<String, double[]> want = step(cuda, network("resnet"), new FuseNormalization(cuda), NONE);
            Map<String, double[]> got = step(cuda, network("resnet"), new FuseNormalization(cuda), new FuseProducts(cuda));
            long terms = (long) BATCH * SmallNetworks.IMAGE_SIZE * SmallNetworks.IMAGE_SIZE;
            want.forEach((name, values) -> {
                double largest = Arrays.stream(values).map(Math::abs).max().orElse(0);
                // of the forward part alone; what is backward went through every layer twice, and a ReLU passes a gradient or does not
                Tolerance tolerance = Tolerance.tf32(DType.F32, Accuracy.matmul(name.contains("running") ? terms : 16 * terms));
                assertEquals(Optional.empty(), Comparator.difference(TensorType.f32(values.length), got.get(name), values, tolerance, largest), name);
            });
        }
    }

    /**
     * Mixed precision with the CUDA backend's own kernels on an emulated device, fused as far as they go, against the F32 step on the CPU. What is forward is off by roundings.
     * Gradients, which momentum is after one step, went through every ReLU, which a rounding makes pass one or not: in BF16 they are off by three times as much, the root of the
     * ratio of the roundings.
     */
    @Test
    void aHalfStepOfTensorCoresIsNearTheStep() {
        Map<String, double[]> want = step(CPU, network("resnet"), NONE, NONE);
        Map<String, double[]> got;
        try (Backend cuda = new CudaBackend("emulator", new EmulatorDriver(), false, new MatrixOptions(false, Selection.BY_RULE))) {
            got = step(cuda, network("resnet"), new Autocast(DType.F16, List.of()).then(new FuseNormalization(cuda)), new StripCasts().then(new FuseProducts(cuda)));
        }
        assertEquals(want.keySet(), got.keySet());
        want.forEach((name, values) -> {
            double off = distance(got.get(name), values);
            assertTrue(off <= (name.equals("loss") || name.contains("running") ? 0.01 : 0.3), name + " is off by " + off);
        });
    }

    /** The root of the squared differences, in parts of that of the squares. */
    private static double distance(double[] got, double[] want) {
        double off = 0;
        double all = 0;
        for (int i = 0; i < want.length; i++) {
            off += (got[i] - want[i]) * (got[i] - want[i]);
            all += want[i] * want[i];
        }
        return Math.sqrt(off / Math.max(all, Double.MIN_NORMAL));
    }

    /** In half precision everything is fused that is in F32: the same ops as often, forward and backward, but for casts. */
    @ParameterizedTest
    @CsvSource({"resnet50, F16", "resnet50, BF16", "se-resnext101-32x4d, F16", "efficientnet-b0, F16"})
    void aHalfStepIsFusedAsItsTwinIs(String model, DType half) {
        Map<String, Long> want = fusedStep(model, NORMALIZATION);
        assertEquals(want, fusedStep(model, new Autocast(half, List.of()).then(NORMALIZATION)));
        assertTrue(want.get("convolution_statistics") > 40 && want.get("batch_norm_activation_backward") > 30, want.toString());
        assertTrue(want.containsKey("matmul_shift") && !want.containsKey("batch_norm") && !want.containsKey("batch_norm_activation"), want.toString());
    }

    /** Names of ops and how many there are in a published network's step, without leaves and casts. */
    private static Map<String, Long> fusedStep(String model, Pass forward) {
        TrainStep.Settings settings = new TrainStep.Settings(2, 64, Normalization.IMAGENET, 0.1, 7);
        Graph step = TrainStep.graph(Models.create(model, 10), new Optimizer(new Update.SgdMomentum(0.9, 0, false)), settings, forward);
        Graph fused = new StripCasts().then(PRODUCTS).apply(step);
        return fused.nodes().stream().filter(n -> !(n.op() instanceof Leaf) && !(n.op() instanceof Movement.Cast))
                .collect(Collectors.groupingBy(n -> n.op().name(), TreeMap::new, Collectors.counting()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"resnet", "se-resnext", "efficientnet"})
    void fusedProductsChangeNoBitOfAnEvaluation(String family) {
        Module module = network(family).create().get();
        GraphBuilder b = new GraphBuilder(false);
        b.output("logits", module.apply(b.input("images", TensorType.f32(2, SmallNetworks.IMAGE_SIZE, SmallNetworks.IMAGE_SIZE, 3))));
        Graph apart = NORMALIZATION.apply(b.build());
        Graph together = PRODUCTS.apply(apart);
        assertEquals(0, count(together, "conv2d") + count(together, "scale_shift") + count(together, "mul_add"));
        assertEquals(count(apart, "conv2d"), count(together, "convolution_scale_shift"));
        float[] images = new float[2 * SmallNetworks.IMAGE_SIZE * SmallNetworks.IMAGE_SIZE * 3];
        for (int i = 0; i < images.length; i++) {
            images[i] = Philox.uniform(Philox.word(SETTINGS.seed(), 1, 0, i)) - 0.5f;
        }
        try (State state = new State(REFERENCE).initialize(module.variables().values(), SETTINGS.seed()); Plan first = Plan.of(apart, state); Plan second =
                Plan.of(together, state)) {
            first.feed("images", MemorySegment.ofArray(images));
            second.feed("images", MemorySegment.ofArray(images));
            first.run();
            second.run();
            assertArrayEquals(first.floats("logits"), second.floats("logits"));
        }
    }

    /** Every normalisation of the published network is behind a convolution, and its classifier has a bias. */
    @Test
    void nothingIsLeftOfResNet50() {
        GraphBuilder b = new GraphBuilder(false);
        b.output("logits", Models.create("resnet50", 1000).apply(b.input("images", TensorType.f32(1, 224, 224, 3))));
        Graph g = PRODUCTS.apply(NORMALIZATION.apply(b.build()));
        assertEquals(53, count(g, "convolution_scale_shift"));
        assertEquals(1, count(g, "matmul_shift"));
        assertEquals(0, count(g, "conv2d") + count(g, "scale_shift") + count(g, "mul_add") + count(g, "relu") + count(g, "matmul"));
    }

    private static long count(Graph g, String op) {
        return g.nodes().stream().filter(n -> n.op().name().equals(op)).count();
    }

    private static SmallNetworks.Row network(String family) {
        return SmallNetworks.rows().stream().filter(r -> r.name().equals(family)).findFirst().orElseThrow();
    }

    /** Loss and variables after a step. */
    private static Map<String, double[]> step(Backend backend, SmallNetworks.Row network, Pass forward, Pass whole) {
        Module module = network.create().get();
        Optimizer optimizer = new Optimizer(new Update.SgdMomentum(0.9, 0, false));
        Graph graph = whole.apply(TrainStep.graph(module, optimizer, SETTINGS, forward));
        assertEquals(forward != NONE, fused(graph) > 0, "fused ops");
        assertTrue(forward == NONE || whole != NONE || fused(graph) % 2 == 0, "as many backward as forward");
        assertEquals(whole != NONE && whole != SHORTCUTS && whole != SUMS && whole != GATES, count(graph, "convolution_statistics") > 0, "fused statistics");
        assertTrue(whole != PRODUCTS || count(graph, "batch_norm_activation") + count(graph, "batch_norm") == 0, "all of them");
        List<Variable> all = new ArrayList<>(module.variables().values());
        all.addAll(optimizer.slots());
        Map<String, double[]> after = new LinkedHashMap<>();
        try (State state = new State(backend).initialize(all, SETTINGS.seed()); Plan plan = Plan.of(graph, state); Arena arena = Arena.ofConfined()) {
            feed(plan, arena);
            plan.run();
            after.put("loss", new double[] {plan.scalar("loss")});
            for (Variable v : all) {
                float[] values = state.get(v);
                double[] d = new double[values.length];
                Arrays.setAll(d, i -> values[i]);
                after.put(v.name(), d);
            }
        }
        return after;
    }

    private static void feed(Plan plan, Arena arena) {
        MemorySegment images = arena.allocate((long) BATCH * SmallNetworks.IMAGE_SIZE * SmallNetworks.IMAGE_SIZE * 3);
        for (long i = 0; i < images.byteSize(); i++) {
            images.set(ValueLayout.JAVA_BYTE, i, (byte) Philox.word(SETTINGS.seed(), 1, 0, i));
        }
        plan.feed("images", images);
        MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, BATCH);
        for (int i = 0; i < BATCH; i++) {
            labels.setAtIndex(ValueLayout.JAVA_INT, i, 3 * i % SmallNetworks.CLASSES);
        }
        plan.feed("labels", labels);
        plan.feed("lr", 0.05f);
        if (plan.hasInput(GraphBuilder.RANDOM)) {
            MemorySegment counter = arena.allocate(ValueLayout.JAVA_LONG, 2);
            counter.setAtIndex(ValueLayout.JAVA_LONG, 0, SETTINGS.seed());
            plan.feed(GraphBuilder.RANDOM, counter);
        }
    }
}
