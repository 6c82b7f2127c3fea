package dev.jacquard.passes;

import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.util.ArrayList;
import java.util.List;

/**
 * Plans of evaluations of some weights, with what follows from the weights alone computed beforehand ({@link Freeze}), in the order in which the device's kernels want it ({@link
 * Prepack}). Frozen values lie in a state over that of the weights, which gets none of them; plans of several graphs share those that they have in common.
 *
 * <p>After {@link #of}, and whenever weights have changed, {@link #prepare} must be called before the plans run; if weights will never change again, {@link #settle} instead. Not
 * thread-safe.
 */
public final class FrozenPlans implements AutoCloseable {
    private final Pass prepack;
    private final Freeze freeze;
    private final State state;
    private final List<Graph> unplanned = new ArrayList<>();
    private final List<Plan> preparing = new ArrayList<>();

    /** For some weights. @param weights the caller's to close, after this */
    public FrozenPlans(State weights) {
        this.prepack = new Prepack(weights.backend());
        this.freeze = new Freeze(weights.backend());
        this.state = State.over(weights);
    }

    /** Plans a graph, which went through {@link Fusion} if it should. @return the caller's to close, before this @throws dev.jacquard.tensor.DeviceException as {@link Plan#of} */
    public Plan of(Graph graph) {
        return together(List.of(graph)).getFirst();
    }

    /** Plans graphs that take turns, as {@link Plan#together}; what prepares them takes turns with them. */
    public List<Plan> together(List<Graph> graphs) {
        List<Graph> serving = new ArrayList<>();
        for (Graph g : graphs) {
            Freeze.Frozen frozen = freeze.split(prepack.apply(g));
            serving.add(frozen.serving());
            if (!frozen.variables().isEmpty()) {
                unplanned.add(frozen.preparing());
            }
        }
        // If memory is short here, the next call finds what it shares with this one unplanned still.
        unplanned.forEach(g -> state.reserve(g.updates().keySet()));
        List<Graph> all = new ArrayList<>(unplanned);
        all.addAll(serving);
        List<Plan> plans = Plan.together(all, state);
        preparing.addAll(plans.subList(0, unplanned.size()));
        unplanned.clear();
        return List.copyOf(plans.subList(plans.size() - serving.size(), plans.size()));
    }

    /** Computes what is frozen from the weights as they are now. On a device it returns before that is done; whatever runs there later finds it done. */
    public void prepare() {
        preparing.forEach(Plan::run);
    }

    /** As {@link #prepare}, for weights that stay as they are: frees the plans that did it. */
    public void settle() {
        prepare();
        state.backend().synchronize();
        forget();
    }

    private void forget() {
        preparing.forEach(Plan::close);
        preparing.clear();
    }

    /** Bytes of frozen values. */
    public long bytes() {
        return state.variables().stream().map(Variable::type).mapToLong(t -> t.bytes()).sum();
    }

    /** Frees frozen values and what prepares them, after the plans that read them; the weights stay. */
    @Override
    public void close() {
        forget();
        state.close();
    }
}
