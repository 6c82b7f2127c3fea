package dev.jacquard.mixedprecision;

import dev.jacquard.passes.Pass;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.EngineBugException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Update.ExtendedUpdate;
import dev.jacquard.tensor.op.Update.Rule;
import it.unimi.dsi.fastutil.objects.ReferenceOpenHashSet;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Makes everything that a step writes depend on a flag that the step computes: if it is not 0, variables stay as they are, bit for bit. Weights, optimizer slots, averages, running
 * statistics: whoever writes a variable need not know of the flag. An update by a {@link Rule} becomes the same rule with a skip flag, at no further launch; any other value is
 * chosen by a {@link Pointwise.Select}.
 *
 * <p>What is guarded, and what is computed from it, comes after the flag then.
 *
 * @param flag name of the output that is the flag, I32 ()
 * @param except variables that are written whatever the flag is
 */
public record GuardUpdates(String flag, Set<Variable> except) implements Pass {
    /** Takes a copy. */
    public GuardUpdates {
        except = Set.copyOf(except);
    }

    @Override
    public Graph apply(Graph graph) {
        return new Run(graph).run();
    }

    /** One graph's rewriting. */
    private final class Run {
        private final Graph graph;
        private final Symbol skip;
        private final GraphBuilder b = new GraphBuilder(false);
        private final Map<Symbol, Symbol> image = new IdentityHashMap<>();
        /** Rule nodes that get the flag. */
        private final Set<Node> guarded = new ReferenceOpenHashSet<>();

        Run(Graph graph) {
            this.graph = graph;
            this.skip = graph.outputs().get(flag);
            if (skip == null) {
                throw new EngineBugException("guard", "no flag", "outputs " + graph.outputs().keySet(), "an output " + flag, "please report this with the printed graph");
            }
            Map<Node, List<Variable>> writes = new LinkedHashMap<>();
            graph.updates().forEach((v, s) -> writes.computeIfAbsent(s.node(), _ -> new ArrayList<>()).add(v));
            writes.forEach((n, written) -> {
                if (written.stream().allMatch(v -> !except.contains(v) && isRuleOf(n, v))) {
                    guarded.add(n);
                }
            });
        }

        /** Whether a node is a rule without a flag, and writes to a variable the state that it read from it. */
        private boolean isRuleOf(Node n, Variable v) {
            return n.op() instanceof Rule rule && !(rule instanceof ExtendedUpdate e && e.skip())
                    && n.inputs().get(n.outputs().indexOf(graph.updates().get(v))).node().op() instanceof Leaf.Read read && read.variable() == v;
        }

        Graph run() {
            Set<Node> live = graph.live();
            Set<Node> late = new ReferenceOpenHashSet<>();
            for (Node n : graph.nodes()) {
                if (!live.contains(n)) {
                    continue;
                }
                if (guarded.contains(n) || n.inputs().stream().anyMatch(s -> late.contains(s.node()))) {
                    late.add(n);
                } else {
                    copy(n, n.op(), List.of());
                }
            }
            if (!image.containsKey(skip)) {
                throw new EngineBugException("guard", "the flag depends on an update", skip.node().toString(), "a flag that is made of gradients",
                        "please report this with the printed graph");
            }
            for (Node n : graph.nodes()) {
                if (late.contains(n)) {
                    boolean guards = guarded.contains(n);
                    copy(n, guards ? skipping((Rule) n.op()) : n.op(), guards ? List.of(image.get(skip)) : List.of());
                }
            }
            graph.outputs().forEach((name, s) -> b.output(name, image.get(s)));
            graph.updates().forEach((v, s) -> b.write(v, except.contains(v) || guarded.contains(s.node()) ? image.get(s) : chosen(v, image.get(s))));
            return b.build();
        }

        private void copy(Node n, Op op, List<Tensor> more) {
            List<Tensor> in = new ArrayList<>();
            n.inputs().forEach(s -> in.add(image.get(s)));
            in.addAll(more);
            try (Context.Label _ = b.label(n.label())) {
                List<Tensor> out = b.apply(op, in);
                for (int i = 0; i < out.size(); i++) {
                    image.put(n.outputs().get(i), (Symbol) out.get(i));
                }
            }
        }

        private Tensor chosen(Variable v, Tensor next) {
            try (Context.Label _ = b.label("guard." + v.name())) {
                return image.get(skip).cast(v.type().dtype()).apply(new Pointwise.Select(), b.read(v), next);
            }
        }
    }

    private static Rule skipping(Rule rule) {
        return rule instanceof ExtendedUpdate e ? new ExtendedUpdate(e.rule(), e.average(), true) : new ExtendedUpdate(rule, false, true);
    }
}
