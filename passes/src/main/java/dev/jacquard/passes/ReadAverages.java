package dev.jacquard.passes;

import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Op;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads other variables in the place of some, such as moving averages in the place of parameters and running statistics: the graph of an evaluation becomes the graph of
 * an evaluation of the averages. What is written stays what it was.
 */
public final class ReadAverages implements Pass {
    private final Map<Variable, Variable> averages;

    /** Replaces reads. @param averages what to read, by what is read now; types are the same */
    public ReadAverages(Map<Variable, Variable> averages) {
        this.averages = Map.copyOf(averages);
    }

    @Override
    public Graph apply(Graph graph) {
        GraphBuilder b = new GraphBuilder(false);
        Map<Symbol, Symbol> image = new IdentityHashMap<>();
        Set<Node> live = graph.live();
        for (Node n : graph.nodes()) {
            if (live.contains(n)) {
                try (var _ = b.label(n.label())) {
                    List<Tensor> out = b.apply(read(n.op()), n.inputs().stream().map(s -> (Tensor) image.get(s)).toList());
                    for (int i = 0; i < out.size(); i++) {
                        image.put(n.outputs().get(i), (Symbol) out.get(i));
                    }
                }
            }
        }
        graph.outputs().forEach((name, s) -> b.output(name, image.get(s)));
        graph.updates().forEach((v, s) -> b.write(v, image.get(s)));
        return b.build();
    }

    private Op read(Op op) {
        return op instanceof Leaf.Read r && averages.containsKey(r.variable()) ? new Leaf.Read(averages.get(r.variable())) : op;
    }
}
