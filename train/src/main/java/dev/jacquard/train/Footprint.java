package dev.jacquard.train;

import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.passes.Fusion;
import dev.jacquard.passes.Pass;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.plan.Plan;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory of a training step, found by planning it without allocating it.
 *
 * @param stateBytes weights, statistics, and what optimizer, averages and accumulation remember
 * @param valueBytes of all values of a step, in one arena
 */
public record Footprint(long stateBytes, long valueBytes) {
    /** Footprint of a step of a run's last stage on one device. The number of classes must be known. */
    public static Footprint of(TrainConfig config, Backend backend) {
        Module module = Experiment.network(config);
        Optimizer optimizer = Experiment.optimizer(config, module);
        StepGraphs step = new StepGraphs(module, optimizer, Experiment.step(config, Stage.of(config).getLast()), Fusion.beforeGradients(backend), _ -> null);
        Pass fuse = Fusion.ofStep(backend);
        List<Graph> graphs = new ArrayList<>(List.of(fuse.apply(step.update())));
        if (!step.accumulators().isEmpty()) {
            graphs.add(fuse.apply(step.accumulate()));
        }
        List<Variable> state = new ArrayList<>(module.variables().values());
        state.addAll(optimizer.slots());
        state.addAll(step.accumulators());
        if (step.scaler() != null) {
            state.addAll(step.scaler().variables());
        }
        return new Footprint(state.stream().mapToLong(v -> v.type().bytes()).sum(), Plan.bytes(graphs, backend));
    }
}
