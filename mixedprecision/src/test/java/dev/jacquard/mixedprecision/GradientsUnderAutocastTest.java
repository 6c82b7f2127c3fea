package dev.jacquard.mixedprecision;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.layers.Losses;
import dev.jacquard.layers.Module;
import dev.jacquard.models.SmallNetworks;
import dev.jacquard.passes.Pass;
import dev.jacquard.passes.StripCasts;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Gradients of small networks in half precision beside those in F32, on the CPU. Rounding moves some inputs of ReLUs over 0, in proportion to the unit roundoff u, so that
 * gradients of networks with ReLUs are off by about sqrt(u) times a factor, those of networks with SiLUs by u times one: measured 0.08, 0.06, below 0.03, and 0.24.
 */
class GradientsUnderAutocastTest {
    private static final int N = 8;
    /** So that F16 does not lose small ones. */
    private static final double SCALE = 1024;
    private static final int SIZE = SmallNetworks.IMAGE_SIZE;

    private static Graph graph(Module module, Pass pass) {
        GraphBuilder forward = new GraphBuilder(true);
        Tensor x = forward.input("x", TensorType.f32(N, SIZE, SIZE, 3));
        forward.output("loss", Losses.crossEntropy(module.apply(x), forward.input("labels", TensorType.of(DType.I32, N)), 0.1));
        Symbol loss = pass.apply(forward.build()).outputs().get("loss");
        GraphBuilder b = loss.builder();
        b.output("loss", loss);
        List<Variable> parameters = module.parameters();
        List<Tensor> gradients = Gradients.of(loss, b.fill(loss.type(), SCALE), parameters.stream().map(b::read).toList());
        for (int i = 0; i < parameters.size(); i++) {
            assertEquals(parameters.get(i).type(), gradients.get(i).type(), "gradients have the variables' types");
            b.output(parameters.get(i).name(), gradients.get(i));
        }
        return new StripCasts().apply(b.build());
    }

    private static Map<String, float[]> run(Graph g, State state) {
        SplittableRandom random = new SplittableRandom(3);
        Map<String, float[]> all = new LinkedHashMap<>();
        try (Plan plan = Plan.of(g, state); Arena arena = Arena.ofConfined()) {
            MemorySegment x = arena.allocate(4L * N * SIZE * SIZE * 3, 64);
            for (long i = 0; i < x.byteSize() / 4; i++) {
                x.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextDouble(-2, 2));
            }
            MemorySegment labels = arena.allocate(4L * N, 64);
            for (int i = 0; i < N; i++) {
                labels.setAtIndex(ValueLayout.JAVA_INT, i, i % SmallNetworks.CLASSES);
            }
            plan.feed("x", x);
            plan.feed("labels", labels);
            if (plan.hasInput(GraphBuilder.RANDOM)) {
                plan.feed(GraphBuilder.RANDOM, arena.allocate(16, 8));
            }
            plan.compute();
            g.outputs().keySet().forEach(name -> all.put(name, plan.floats(name)));
        }
        return all;
    }

    /** Of all gradients together, in units of their norm. */
    private static double distance(Map<String, float[]> a, Map<String, float[]> b) {
        double sum = 0;
        double norm = 0;
        for (String name : a.keySet()) {
            for (int i = 0; i < a.get(name).length; i++) {
                sum += Math.pow(a.get(name)[i] - b.get(name)[i], 2);
                norm += Math.pow(b.get(name)[i], 2);
            }
        }
        return Math.sqrt(sum / norm);
    }

    @ParameterizedTest
    @CsvSource({"resnet, F16, 0.12", "se-resnext, F16, 0.12", "efficientnet, F16, 0.03", "resnet, BF16, 0.36"})
    void areNearThoseInF32(String network, DType type, double bound) {
        Module module = SmallNetworks.rows().stream().filter(r -> r.name().equals(network)).findFirst().orElseThrow().create().get();
        try (Backend cpu = Backends.open("cpu", 2); State state = new State(cpu)) {
            state.initialize(module.variables().values(), 1);
            Map<String, float[]> want = run(graph(module, g -> g), state);
            Map<String, float[]> got = run(graph(module, new Autocast(type, List.of())), state);
            assertEquals(want.keySet(), got.keySet());
            assertEquals(want.get("loss")[0], got.get("loss")[0], 0.01 * want.get("loss")[0]);
            double far = distance(got, want);
            assertTrue(far < bound && far > 1e-5, network + ": gradients differ by " + far + " of their norm");
        }
    }
}
