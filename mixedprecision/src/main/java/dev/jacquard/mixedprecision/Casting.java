package dev.jacquard.mixedprecision;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DTypeException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Images;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** One graph's way through {@link Autocast}. */
final class Casting {
    private final Graph graph;
    private final Autocast by;
    private final GraphBuilder builder = new GraphBuilder(false);
    /** Of each value of the old graph what it is in the new one, in the types in which it was asked for; the first is the one that it was computed in. */
    private final Map<Symbol, Map<DType, Tensor>> values = new IdentityHashMap<>();
    /** What the model itself widens. It counts as F32, but a product that would cast it back reads what was widened; the cast is made when somebody asks for F32. */
    private final Set<Symbol> widened = new HashSet<>();
    /** Nodes that are made when somebody asks for them, in the type that is asked for. */
    private final Set<Node> either = new HashSet<>();

    Casting(Graph graph, Autocast by) {
        this.graph = graph;
        this.by = by;
    }

    Graph run() {
        Set<Node> live = graph.live();
        for (Node n : graph.nodes()) {
            if (live.contains(n)) {
                n.outputs().forEach(s -> values.put(s, new LinkedHashMap<>()));
                if (isEither(n)) {
                    either.add(n);
                } else {
                    emit(n);
                }
            }
        }
        graph.outputs().forEach((name, s) -> builder.output(name, in(s, s.dtype(), s.node().label())));
        graph.updates().forEach((v, s) -> builder.write(v, in(s, s.dtype(), s.node().label())));
        return builder.build();
    }

    /** Whether a node makes F32 of what is no floating number, or moves such values. */
    private boolean isEither(Node n) {
        boolean moves = isMovement(n.op()) && n.inputs().stream().allMatch(s -> either.contains(s.node()));
        return isCastable(n.outputs().getFirst()) && (moves || CastPolicy.of(n.op()) == CastPolicy.EITHER);
    }

    /** Whether an op rounds nothing, whatever its operands' type. */
    private static boolean isMovement(Op op) {
        return op instanceof Movement && CastPolicy.of(op) != CastPolicy.WRITTEN;
    }

    /** Whether this pass has a say on a value's type. */
    private static boolean isCastable(Symbol s) {
        return s.dtype() == DType.F32;
    }

    private void emit(Node n) {
        if (n.op() instanceof Movement.Cast && n.inputs().getFirst().dtype() == by.type() && isCastable(n.outputs().getFirst())) {
            widened.add(n.outputs().getFirst());
            values.get(n.outputs().getFirst()).put(by.type(), in(n.inputs().getFirst(), by.type(), n.label()));
            return;
        }
        boolean castsCastable = n.op() instanceof Movement.Cast && isCastable(n.inputs().getFirst());
        keep(n, castsCastable ? List.of(in(n.inputs().getFirst(), n.outputs().getFirst().dtype(), n.label())) : applied(n, type(n)));
    }

    private void keep(Node n, List<Tensor> out) {
        n.outputs().forEach(s -> values.get(s).putIfAbsent(out.get(s.index()).dtype(), out.get(s.index())));
    }

    private List<Tensor> applied(Node n, DType type) {
        boolean refused = type != DType.F32 && CastPolicy.row(n.op().getClass()).isEmpty() && isRefused(n, type);
        return apply(n.label(), n.op(), operands(n, refused ? DType.F32 : type));
    }

    private static boolean isRefused(Node n, DType type) {
        try {
            List<TensorType> in = new ArrayList<>();
            for (int i = 0; i < n.inputs().size(); i++) {
                in.add(n.inputs().get(i).type().withDType(operand(n, i, type)));
            }
            n.op().infer(in);
            return false;
        } catch (DTypeException e) {
            return true;
        }
    }

    private static DType operand(Node n, int i, DType type) {
        Symbol s = n.inputs().get(i);
        return isCastable(s) && !n.op().wide(i) ? type : s.dtype();
    }

    private List<Tensor> operands(Node n, DType type) {
        return IntStream.range(0, n.inputs().size()).mapToObj(i -> in(n.inputs().get(i), operand(n, i, type), n.label())).toList();
    }

    private List<Tensor> apply(String label, Op op, List<Tensor> in) {
        try (var _ = builder.label(label)) {
            return builder.apply(op, in);
        }
    }

    /** What a node's operands are to be cast to. */
    private DType type(Node n) {
        if (by.keeps(n) && !isMovement(n.op())) {
            return DType.F32;
        }
        return switch (CastPolicy.of(n.op())) {
            case HALF -> by.type();
            case WIDE, WRITTEN, EITHER -> DType.F32;
            case WIDEST -> widest(own(n).stream().filter(s -> s.type().shape().rank() > 0).toList());
            case FOLLOWS -> {
                List<Symbol> full = own(n).stream().filter(s -> s.type().shape().equals(n.outputs().getFirst().type().shape())).toList();
                yield widest(full.isEmpty() ? own(n) : full);
            }
        };
    }

    /** Operands that have a type of their own. */
    private List<Symbol> own(Node n) {
        return IntStream.range(0, n.inputs().size()).filter(i -> !n.op().wide(i)).mapToObj(i -> n.inputs().get(i))
                .filter(s -> isCastable(s) && !either.contains(s.node())).toList();
    }

    private DType widest(List<Symbol> operands) {
        boolean half = !operands.isEmpty() && operands.stream().allMatch(s -> computedIn(s) == by.type());
        return half ? by.type() : DType.F32;
    }

    private DType computedIn(Symbol s) {
        return widened.contains(s) ? DType.F32 : values.get(s).keySet().iterator().next();
    }

    /** A value in a type, cast unless it has been. @param label of whoever asks */
    private Tensor in(Symbol s, DType type, String label) {
        Map<DType, Tensor> made = values.get(s);
        if (!made.containsKey(type)) {
            if (either.contains(s.node())) {
                keep(s.node(), remade(s.node(), type));
            } else {
                String whose = widened.contains(s) && type == DType.F32 ? s.node().label() : label;
                made.put(type, apply(whose, new Movement.Cast(type), List.of(made.values().iterator().next())).getFirst());
            }
        }
        return made.get(type);
    }

    private List<Tensor> remade(Node n, DType type) {
        Op op = switch (n.op()) {
            case Leaf.Fill f -> new Leaf.Fill(f.type().withDType(type), f.value());
            case Leaf.Literal l -> new Leaf.Literal(l.type().withDType(type), l.values());
            case Images.Normalize m -> retyped(m, type);
            case Images.Augment a -> new Images.Augment(retyped(a.normalize(), type), a.height(), a.width());
            case Images.Mix m -> new Images.Mix(retyped(m.normalize(), type));
            default -> n.op();
        };
        return apply(n.label(), op, n.inputs().stream().map(s -> in(s, either.contains(s.node()) ? type : s.dtype(), n.label())).toList());
    }

    private static Images.Normalize retyped(Images.Normalize n, DType type) {
        return new Images.Normalize(n.scale(), n.shift(), type);
    }
}
