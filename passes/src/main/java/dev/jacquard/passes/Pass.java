package dev.jacquard.passes;

import dev.jacquard.tensor.graph.Graph;

/** A rewrite from graph to graph that keeps its meaning, or changes it in the one way that the pass is named for. */
@FunctionalInterface
public interface Pass {
    /** The rewritten graph; inputs, results and updates keep their names. */
    Graph apply(Graph graph);

    /** This pass, then another. */
    default Pass then(Pass next) {
        return g -> next.apply(apply(g));
    }

    /** Leaves out nodes that no result and no update needs. */
    static Graph withoutDeadNodes(Graph graph) {
        return graph.rewrite((_, _) -> null);
    }
}
