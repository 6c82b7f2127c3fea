package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.cpu.CpuBackend;
import dev.jacquard.emulator.EmulatorDriver;
import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.GpuModel;
import dev.jacquard.layers.Module;
import dev.jacquard.models.Models;
import dev.jacquard.models.SmallNetworks;
import dev.jacquard.passes.FrozenPlans;
import dev.jacquard.passes.Fusion;
import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendOptions.Tf32;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.tensor.random.Philox;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Freezing changes no bit of an evaluation, on any backend, and leaves of published networks the launches that see the image. */
class FrozenEvaluationTest {
    private static final long SEED = 7;

    private static Module network(String family) {
        return SmallNetworks.rows().stream().filter(r -> r.name().equals(family)).findFirst().orElseThrow().create().get();
    }

    private static Graph graph(Module module, int batch, int size) {
        GraphBuilder b = new GraphBuilder(false);
        b.output("logits", module.apply(b.input("images", TensorType.f32(batch, size, size, 3))));
        return b.build();
    }

    @ParameterizedTest
    @ValueSource(strings = {"resnet", "se-resnext", "efficientnet"})
    void noBitChangesOnTheReference(String family) {
        try (Backend reference = new ReferenceBackend()) {
            check(family, reference);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"resnet", "se-resnext", "efficientnet"})
    void noBitChangesOnTheCpu(String family) {
        try (Backend cpu = new CpuBackend(2)) {
            check(family, cpu);
        }
    }

    @Test
    void noBitChangesOnAnEmulatedDevice() {
        try (Backend cuda = new CudaBackend("emulator", new EmulatorDriver(), false)) {
            check("efficientnet", cuda);
        }
    }

    private static void check(String family, Backend backend) {
        Module module = network(family);
        Graph graph = Fusion.ofEvaluation(backend).apply(graph(module, 1, SmallNetworks.IMAGE_SIZE));
        try (State state = new State(backend).initialize(module.variables().values(), SEED); FrozenPlans frozen = new FrozenPlans(state);
                Plan plain = Plan.of(graph, state); Plan plan = frozen.of(graph)) {
            frozen.prepare();
            assertTrue(plan.launches() < plain.launches(), plan.launches() + " of " + plain.launches());
            float[] want = logits(plain);
            assertArrayEquals(want, logits(plan));
            assertArrayEquals(want, logits(plan), "again");
            // What weights become between evaluations is seen when they are prepared again, and not before.
            Variable mean = module.variables().values().stream().filter(v -> v.name().endsWith("running_mean")).findFirst().orElseThrow();
            float[] values = state.get(mean);
            for (int i = 0; i < values.length; i++) {
                values[i] -= 1;
            }
            state.set(mean, values);
            assertArrayEquals(want, logits(plan), "frozen");
            frozen.settle();
            float[] changed = logits(plain);
            assertFalse(Arrays.equals(want, changed));
            assertArrayEquals(changed, logits(plan), "prepared");
        }
    }

    private static float[] logits(Plan plan) {
        float[] images = new float[(int) plan.inputs().get("images").shape().size()];
        for (int i = 0; i < images.length; i++) {
            images[i] = 2 * Philox.uniform(Philox.word(SEED, 1, 0, i)) - 1;
        }
        plan.feed("images", MemorySegment.ofArray(images));
        plan.run();
        return plan.floats("logits");
    }

    /** ResNet-50: 53 convolutions, each with all that follows it, a pool, a mean of two, a product. */
    @ParameterizedTest
    @CsvSource({"resnet50,57", "efficientnet-b0,68", "se-resnext101-32x4d,199"})
    void launchesThatAreLeft(String arch, int launches) {
        try (Backend paper = GpuModel.of("h200").onPaper(Tf32.OFF)) {
            Module module = Models.create(arch, 1000);
            Graph graph = Fusion.ofEvaluation(paper).apply(graph(module, 1, 224));
            try (State state = new State(paper).reserve(module.variables().values()); FrozenPlans frozen = new FrozenPlans(state); Plan plan = frozen.of(graph)) {
                assertEquals(launches, plan.launches());
            }
        }
    }

    @Test
    void plansOfTwoBatchSizesShareWhatIsFrozen() {
        try (Backend reference = new ReferenceBackend()) {
            Module module = network("resnet");
            try (State state = new State(reference).initialize(module.variables().values(), SEED); FrozenPlans frozen = new FrozenPlans(state)) {
                List<Variable> weights = state.variables();
                try (Plan one = frozen.of(graph(module, 1, SmallNetworks.IMAGE_SIZE))) {
                    frozen.settle();
                    long bytes = frozen.bytes();
                    assertTrue(bytes > 0);
                    try (Plan two = frozen.of(graph(module, 2, SmallNetworks.IMAGE_SIZE))) {
                        assertEquals(bytes, frozen.bytes());
                        assertEquals(one.graph().variables(), two.graph().variables());
                        frozen.settle();
                        assertEquals(2 * logits(one).length, logits(two).length);
                    }
                }
                assertEquals(weights, state.variables());
            }
        }
    }
}
