package dev.jacquard.cli;

import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.models.ModelRow;
import dev.jacquard.models.Models;
import dev.jacquard.passes.Fusion;
import dev.jacquard.passes.Pass;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.train.Experiment;
import dev.jacquard.train.Recipes;
import dev.jacquard.train.ResolvedConfig;
import dev.jacquard.train.Stage;
import dev.jacquard.train.TrainConfig;
import dev.jacquard.train.TrainStep;
import java.util.HashMap;
import java.util.Map;

/**
 * A network to be planned.
 *
 * @param row the architecture
 * @param batch images of a step
 * @param size their height and width in pixels
 * @param type that values are stored in: F32, F16 or BF16
 * @param training a training step of the recipe for pictures, as the trainer plans it; else inference
 */
record PlannedNetwork(ModelRow row, int batch, int size, DType type, boolean training) {
    /** A network by name. @param size null for the architecture's own */
    static PlannedNetwork of(String arch, int batch, Integer size, DType type, boolean training) {
        ModelRow row = Models.row(arch);
        return new PlannedNetwork(row, batch, size == null ? row.resolution() : size, type, training);
    }

    /** Its graph, with what is fused on a device. */
    Graph graph(Backend backend) {
        Pass stored = type == DType.F32 ? g -> g : new StorageType(type, training);
        return training ? Fusion.ofStep(backend).apply(step(stored.then(Fusion.beforeGradients(backend)))) : stored.then(Fusion.ofEvaluation(backend)).apply(forward());
    }

    /** Inference as the model says it, in F32, with nothing fused. */
    Graph forward() {
        GraphBuilder b = new GraphBuilder(false);
        Module module = row.create(row.defaults());
        b.output("logits", module.apply(b.input("images", TensorType.of(DType.F32, batch, size, size, row.defaults().channels()))));
        return b.build();
    }

    private Graph step(Pass forward) {
        Map<String, String> flags = new HashMap<>(Map.of("arch", row.name(), "batch", Integer.toString(batch), "image-size", Integer.toString(size), "num-classes", Integer.toString(row.classes())));
        TrainConfig config = ResolvedConfig.of(Recipes.IMAGES, null, flags).config();
        Module module = Experiment.network(config);
        Optimizer optimizer = Experiment.optimizer(config, module);
        return TrainStep.graph(module, optimizer, Experiment.step(config, Stage.of(config).getLast()), forward);
    }

    @Override
    public String toString() {
        return "%s, %s, batch %d of %d x %d, %s".formatted(row.name(), training ? "training step" : "inference", batch, size, size, type);
    }
}
