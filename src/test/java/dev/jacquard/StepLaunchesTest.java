package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.data.Normalization;
import dev.jacquard.emulator.EmulatorDriver;
import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.mixedprecision.Autocast;
import dev.jacquard.models.Models;
import dev.jacquard.passes.Fusion;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.train.TrainStep;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** What a step does once per parameter or per normalisation is one node of the fused graph, so that a GPU needs a launch or a few for it. */
class StepLaunchesTest {
    private static final Backend CUDA = new CudaBackend("emulator", new EmulatorDriver(), false);
    private static final TrainStep.Settings SETTINGS = new TrainStep.Settings(2, 64, Normalization.IMAGENET, 0.1, 7);
    /** Convolutions of ResNet-50, each with a normalisation after it, and the classifier. */
    private static final int CONVOLUTIONS = 53;

    @AfterAll
    static void close() {
        CUDA.close();
    }

    private static Graph fused(TrainStep.Settings settings, Autocast cast) {
        Optimizer sgd = new Optimizer(new Update.SgdMomentum(0.9, 1e-4, false));
        return Fusion.ofStep(CUDA).apply(TrainStep.graph(Models.create("resnet50", 10), sgd, settings,
                cast == null ? Fusion.beforeGradients(CUDA) : cast.then(Fusion.beforeGradients(CUDA))));
    }

    private static <T extends Op> List<T> ops(Graph g, Class<T> type) {
        return g.nodes().stream().map(Node::op).filter(type::isInstance).map(type::cast).toList();
    }

    /** Parts of the updates by a rule of a class. */
    private static List<Integer> parts(Graph g, Class<? extends Update.Rule> rule) {
        return ops(g, Update.FusedUpdate.class).stream().filter(u -> rule.isInstance(u.rule())).map(u -> u.parts().size()).toList();
    }

    @Test
    void aStepUpdatesAllParametersTogetherAndAllRunningStatistics() {
        Graph g = fused(SETTINGS, null);
        assertEquals(List.of(3 * CONVOLUTIONS + 2), parts(g, Update.SgdMomentum.class));
        assertEquals(List.of(2 * CONVOLUTIONS), parts(g, Update.Average.class));
        assertEquals(2, ops(g, Update.class).size(), "and that is all");
    }

    @Test
    void aMicroStepAddsUpAllGradientsTogether() {
        assertEquals(List.of(3 * CONVOLUTIONS + 2), parts(fused(SETTINGS.accumulation(4), null), Update.Accumulate.class));
    }

    /** Gradients of weights and of the bias of products are in half precision, those of normalisations are not. The bias itself is read in F32, by the product. */
    @Test
    void aStepInHalfPrecisionCastsItsWeightsTogetherAndUpdatesThemByHalfGradients() {
        Graph g = fused(SETTINGS, new Autocast(DType.F16, List.of()));
        assertEquals(List.of(CONVOLUTIONS + 2, 2 * CONVOLUTIONS), parts(g, Update.SgdMomentum.class).stream().sorted().toList());
        assertEquals(List.of(2 * CONVOLUTIONS), parts(g, Update.Average.class));
        List<Integer> casts = g.nodes().stream().filter(n -> n.op() instanceof Movement.CastAll).map(n -> n.inputs().size()).toList();
        assertEquals(List.of(CONVOLUTIONS + 1), casts);
        assertEquals(0, g.nodes().stream().filter(n -> n.op() instanceof Movement.Cast && n.inputs().getFirst().node().op() instanceof Leaf.Read).count(),
                "casts of variables that are left");
    }
}
