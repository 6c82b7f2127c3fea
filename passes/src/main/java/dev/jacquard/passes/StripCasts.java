package dev.jacquard.passes;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.op.Movement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Leaves out casts that change no bit of what is computed: one from a half-precision type to F32 where the reader takes the narrower operand and widens it itself ({@link
 * Op#narrow}), and one back to the half-precision type that a value was widened from. A value that is repeated, as the gradient of a mean over an image's pixels is, is cast before
 * it is, so that only the few are. For whole graphs, after gradients: the gradient of a weight in half precision reaches its update as it is.
 */
public final class StripCasts implements Pass {
    @Override
    public Graph apply(Graph graph) {
        boolean any = graph.nodes().stream().anyMatch(n -> n.outputs().stream().anyMatch(s -> widened(s).isPresent()));
        return any ? Pass.withoutDeadNodes(graph.rewrite(StripCasts::rewrite)) : graph;
    }

    private static List<Tensor> rewrite(Node node, List<Tensor> in) {
        if (node.op() instanceof Movement.Cast c) {
            return widened(in.getFirst()).filter(narrow -> narrow.dtype() == c.to()).or(() -> beforeBroadcast(in.getFirst(), c)).map(List::of).orElse(null);
        }
        List<Tensor> stripped = new ArrayList<>(in);
        for (int i = 0; i < in.size(); i++) {
            if (node.op().narrow(i)) {
                stripped.set(i, widened(in.get(i)).orElse(in.get(i)));
            }
        }
        return stripped.equals(in) ? null : in.getFirst().context().apply(node.op(), stripped);
    }

    /** A repeated value cast before it is repeated, if it is repeated. */
    private static Optional<Tensor> beforeBroadcast(Tensor t, Movement.Cast c) {
        return t.origin().filter(o -> o.op() instanceof Movement.Broadcast).map(o -> o.inputs().getFirst().cast(c.to()).apply(o.op()));
    }

    /** The half-precision value that a tensor was widened from, if it was. */
    private static Optional<Tensor> widened(Tensor t) {
        return t.origin().filter(o -> o.op() instanceof Movement.Cast c && c.to() == DType.F32 && o.inputs().getFirst().dtype().isHalf()).map(o -> o.inputs().getFirst());
    }
}
