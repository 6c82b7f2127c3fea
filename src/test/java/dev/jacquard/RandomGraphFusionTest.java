package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.passes.FuseNormalization;
import dev.jacquard.passes.FuseNormalizationGradients;
import dev.jacquard.passes.FuseProducts;
import dev.jacquard.passes.FuseShortcuts;
import dev.jacquard.passes.Pass;
import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.FusedNormalization;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Normalization.BatchNorm;
import dev.jacquard.tensor.op.Window;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Graphs that nobody would draw: convolutions that are residuals of their own normalisation, values with several users, normalisations of anything, per-channel operands that are
 * computed, intermediate values that are outputs. Fused wherever a device would take it, at the device's whim, each means what it meant: on the reference not a bit changes.
 */
class RandomGraphFusionTest {
    private static final int GRAPHS = 100;
    private static final int OPS = 14;
    private static final long C = 3;
    private static final TensorType IMAGE = TensorType.f32(2, 3, 3, C);
    private static final TensorType ROWS = TensorType.f32(18, C);

    private final Random random = new Random(5);
    private final List<Tensor> images = new ArrayList<>();
    private final List<Tensor> channels = new ArrayList<>();
    private final Map<String, Integer> fused = new TreeMap<>();
    private GraphBuilder b;
    private int inputs;

    private Tensor input(TensorType t) {
        return b.input("p" + inputs++, t);
    }

    private Tensor any(List<Tensor> from) {
        return from.get(random.nextInt(from.size()));
    }

    /** More often than not the latest: chains are what is fused. */
    private Tensor image() {
        return random.nextInt(3) > 0 ? images.getLast() : any(images);
    }

    private Tensor channel() {
        return random.nextBoolean() ? input(TensorType.f32(C)) : any(channels);
    }

    private Tensor next() {
        Tensor x = image();
        return switch (random.nextInt(9)) {
            case 0, 1, 2 -> {
                int r = random.nextBoolean() ? 1 : 3;
                yield x.conv2d(input(TensorType.f32(C, r, r, C)), Window.of(1, r / 2), 1);
            }
            case 3 -> x.apply(new FusedNormalization.ScaleShift(Nonlinearity.NONE, false), channel(), channel());
            case 4 -> {
                List<Tensor> all = x.applyAll(new BatchNorm(1e-3), channel(), channel());
                channels.addAll(all.subList(1, 3));
                yield all.getFirst();
            }
            case 5 -> random.nextBoolean() ? x.add(image()) : image().add(x);
            case 6 -> x.relu();
            case 7 -> x.silu();
            default -> {
                Tensor y = x.reshape(ROWS.shape().dims()).matmul(input(TensorType.f32(C, C)));
                Tensor sum = random.nextBoolean() ? y.add(channel()) : channel().add(y);
                yield (random.nextBoolean() ? sum.relu() : sum).reshape(IMAGE.shape().dims());
            }
        };
    }

    /** A graph whose last value is an output, and so are some others. */
    private Graph graph() {
        b = new GraphBuilder(true);
        inputs = 0;
        images.clear();
        channels.clear();
        images.add(input(IMAGE));
        channels.add(input(TensorType.f32(C)));
        for (int i = 0; i < OPS; i++) {
            images.add(next());
        }
        b.output("y", images.getLast());
        if (random.nextBoolean()) {
            b.output("seen", any(images.subList(1, images.size())));
        }
        if (random.nextBoolean()) {
            b.output("statistics", any(channels).add(1));
        }
        return b.build();
    }

    /** The graph with the gradient of all that it makes, with respect to its first input. */
    private static Graph withGradient(Graph forward) {
        Symbol y = forward.outputs().get("y");
        Tensor x = forward.nodes().stream().flatMap(n -> n.outputs().stream()).filter(s -> s.node().op().toString().contains("p0")).findFirst().orElseThrow();
        y.builder().output("dx", Gradients.of(y.sum(), List.of(x)).getFirst());
        return y.builder().build();
    }

    private static Map<String, float[]> run(Graph g) {
        Map<String, float[]> values = new LinkedHashMap<>();
        try (State state = new State(new ReferenceBackend()); Plan plan = Plan.of(g, state)) {
            plan.inputs().forEach((name, type) -> {
                Random numbers = new Random(name.hashCode());
                float[] v = new float[(int) type.shape().size()];
                for (int i = 0; i < v.length; i++) {
                    v[i] = numbers.nextFloat() - 0.4f;
                }
                plan.feed(name, MemorySegment.ofArray(v));
            });
            plan.run();
            g.outputs().keySet().forEach(name -> values.put(name, plan.floats(name)));
        }
        return values;
    }

    private void assertSame(Graph plain, Graph other) {
        Map<String, float[]> want = run(plain);
        Map<String, float[]> got = run(other.verify());
        assertEquals(want.keySet(), got.keySet());
        want.forEach((name, values) -> assertArrayEquals(values, got.get(name), name + " of\n" + plain.print() + "\nas\n" + other.print()));
        other.nodes().stream().map(n -> n.op().name()).filter(n -> n.matches("backward_data_.*|convolution_.*|matmul_shift|.*scale_shift|.*_activation"))
                .forEach(n -> fused.merge(n, 1, Integer::sum));
    }

    @Test
    void everyGraphMeansWhatItMeant() {
        for (int i = 0; i < GRAPHS; i++) {
            Graph plain = graph();
            int whim = i % 3 == 0 ? 1 : 2; // every op, or some
            Pass normalization = new FuseNormalization((op, in) -> (op.name().hashCode() + in.size() & whim - 1) == 0);
            Pass products = new FuseProducts((op, in) -> (op.name().hashCode() + 3 * in.size() & whim - 1) == 0);
            Graph some = normalization.apply(plain);
            assertSame(plain, products.apply(some));
            Graph step = withGradient(some);
            assertSame(step, new FuseShortcuts((_, _) -> true).then(new FuseNormalizationGradients((_, _) -> true)).then(new FuseProducts((_, _) -> true)).apply(step));
        }
        for (String op : List.of("backward_data_sum", "backward_data_statistics", "batch_norm_activation", "convolution_scale_shift", "convolution_statistics", "matmul_shift",
                "normalize_activation", "scale_shift")) {
            assertTrue(fused.getOrDefault(op, 0) > 10, "too few of " + op + ": " + fused);
        }
    }
}
