package dev.jacquard.cli;

import dev.jacquard.passes.Pass;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Images;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Loss;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A graph whose values are stored in half precision, to see what that costs: every F32 value becomes one of another floating type, but for losses, results and what variables are set to. Of training,
 * weights stay F32 and are rounded in every step, as mixed precision does; for inference they are stored rounded. No loss scaling: this is for planning, not for numbers.
 *
 * @param type of values
 * @param training whether variables stay as they are
 */
record StorageType(DType type, boolean training) implements Pass {
    @Override
    public Graph apply(Graph graph) {
        return new Rewrite(graph).run();
    }

    /** One run. */
    private final class Rewrite {
        private final Graph graph;
        private final GraphBuilder builder = new GraphBuilder(false);
        private final Map<Symbol, Tensor> image = new IdentityHashMap<>();
        private final Map<Variable, Variable> rounded = new HashMap<>();

        Rewrite(Graph graph) {
            this.graph = graph;
        }

        Graph run() {
            Set<Node> live = graph.live();
            for (Node n : graph.nodes()) {
                if (live.contains(n)) {
                    try (Context.Label _ = builder.label(n.label())) {
                        List<Tensor> out = n.op() instanceof Leaf leaf ? List.of(leaf(leaf)) : op(n);
                        for (int i = 0; i < out.size(); i++) {
                            image.put(n.outputs().get(i), out.get(i));
                        }
                    }
                }
            }
            graph.outputs().forEach((name, s) -> builder.output(name, as(image.get(s), s.dtype())));
            graph.updates().forEach((v, s) -> builder.write(v, as(image.get(s), s.dtype())));
            return builder.build();
        }

        private Tensor leaf(Leaf leaf) {
            boolean changes = leaf.type().dtype() == DType.F32;
            if (leaf instanceof Leaf.Read read && changes) {
                return training ? builder.read(read.variable()).cast(type) : builder.read(rounded.computeIfAbsent(read.variable(), StorageType.this::stored));
            }
            return builder.apply(!changes ? leaf : switch (leaf) {
                case Leaf.Input in -> new Leaf.Input(in.label(), half(in.type()));
                case Leaf.Fill f -> new Leaf.Fill(half(f.type()), f.value());
                case Leaf.Literal l -> new Leaf.Literal(half(l.type()), l.values());
                case Leaf.Read r -> r;
            }, List.of()).getFirst();
        }

        private List<Tensor> op(Node n) {
            DType common = n.op() instanceof Loss ? DType.F32 : type;
            List<Tensor> in = new ArrayList<>();
            n.inputs().forEach(s -> in.add(s.dtype() == DType.F32 ? as(image.get(s), common) : image.get(s)));
            Op op = switch (n.op()) {
                case Movement.Cast c when c.to() == DType.F32 -> new Movement.Cast(type);
                case Images.Normalize i -> new Images.Normalize(i.scale(), i.shift(), type);
                default -> n.op();
            };
            return builder.apply(op, in);
        }
    }

    private TensorType half(TensorType t) {
        return t.withDType(type);
    }

    private Variable stored(Variable v) {
        return new Variable(v::name, half(v.type()), v.role(), (shape, seed) -> v.initialValues(seed));
    }

    private static Tensor as(Tensor t, DType type) {
        return t.dtype() == type ? t : t.cast(type);
    }
}
