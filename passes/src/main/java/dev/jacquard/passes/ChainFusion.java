package dev.jacquard.passes;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiPredicate;

/** A pass that makes fewer nodes of chains of them, where a device has kernels for what becomes of them; other devices compute what they always did. */
abstract class ChainFusion implements Pass {
    private final BiPredicate<Op, List<TensorType>> supported;

    ChainFusion(Backend backend) {
        this((op, in) -> backend.unsupported(op, in).isEmpty());
    }

    /** @param supported told a fused op and the types of its inputs */
    ChainFusion(BiPredicate<Op, List<TensorType>> supported) {
        this.supported = supported;
    }

    /** What becomes of the chain that begins at a node: all of it is done or nothing; empty if none begins there. */
    abstract List<Contraction.Group> chain(Node head, Users users);

    @Override
    public final Graph apply(Graph graph) {
        Users users = new Users(graph);
        List<Contraction.Group> groups = new ArrayList<>();
        for (Node n : users.free()) {
            List<Contraction.Group> found = chain(n, users);
            if (found.stream().allMatch(g -> supported.test(g.op(), Graph.types(g.inputs())))) {
                groups.addAll(found);
                found.forEach(g -> users.take(g.members()));
            }
        }
        return groups.isEmpty() ? graph : new Contraction(graph, groups).run();
    }
}
