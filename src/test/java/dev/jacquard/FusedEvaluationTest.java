package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.emulator.EmulatorDriver;
import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.layers.Module;
import dev.jacquard.models.SmallNetworks;
import dev.jacquard.passes.Fusion;
import dev.jacquard.tck.Comparator;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.tensor.random.Philox;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A network of each family in evaluation, with what the CUDA backend has kernels for fused, on an emulated device: nothing is left to fuse, and the answers are the reference's.
 */
class FusedEvaluationTest {
    private static final int BATCH = 2;
    private static final long SEED = 7;
    private static final TensorType IMAGES = TensorType.f32(BATCH, SmallNetworks.IMAGE_SIZE, SmallNetworks.IMAGE_SIZE, 3);

    @ParameterizedTest
    @ValueSource(strings = {"resnet", "se-resnext", "efficientnet"})
    void answersAreTheReferences(String family) {
        Module module = SmallNetworks.rows().stream().filter(r -> r.name().equals(family)).findFirst().orElseThrow().create().get();
        GraphBuilder b = new GraphBuilder(false);
        b.output("logits", module.apply(b.input("images", IMAGES)));
        Graph plain = b.build();
        try (Backend reference = new ReferenceBackend(); Backend cuda = new CudaBackend("emulator", new EmulatorDriver(), false)) {
            Graph fused = Fusion.ofEvaluation(cuda).apply(plain).verify();
            assertEquals(0, count(fused, "conv2d") + count(fused, "scale_shift") + count(fused, "mul_add"), fused.print());
            assertEquals(1, count(fused, "matmul_shift"));
            double[] want = run(module, plain, reference);
            double[] got = run(module, fused, cuda);
            double scale = Math.max(1, Arrays.stream(want).map(Math::abs).max().orElse(0));
            assertEquals(Optional.empty(), Comparator.difference(TensorType.f32(want.length), got, want, Tolerance.of(DType.F32, Accuracy.matmul(walk(plain))), scale));
        }
    }

    private static long count(Graph g, String op) {
        return g.nodes().stream().filter(n -> n.op().name().equals(op)).count();
    }

    /** The length of all sums, one after the other. */
    private static long walk(Graph g) {
        return g.nodes().stream().mapToLong(n -> n.op().accuracy(Graph.types(n.inputs())).length()).sum();
    }

    private static double[] run(Module module, Graph graph, Backend backend) {
        float[] images = new float[(int) IMAGES.shape().size()];
        for (int i = 0; i < images.length; i++) {
            images[i] = 2 * Philox.uniform(Philox.word(SEED, 1, 0, i)) - 1;
        }
        try (State state = new State(backend).initialize(module.variables().values(), SEED); Plan plan = Plan.of(graph, state)) {
            plan.feed("images", MemorySegment.ofArray(images));
            plan.run();
            float[] logits = plan.floats("logits");
            return IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).toArray();
        }
    }
}
