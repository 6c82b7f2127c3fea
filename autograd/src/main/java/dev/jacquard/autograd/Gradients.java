package dev.jacquard.autograd;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.op.Composite;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Reduction;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Reverse-mode differentiation: one walk over the applications that led to a value, newest first, by the rows of {@link Calculus}. It appends ops in
 * the value's own context, so it works on graphs and on eager tensors of a {@code Scope.training} alike, and its results can be differentiated again.
 */
public final class Gradients {
    private Gradients() {}

    /**
     * Gradients of a scalar.
     *
     * @param value a scalar (), such as a loss
     * @param wrt what to differentiate by
     * @return for each of {@code wrt} its gradient, of its type; zeros where the value does not depend on it
     */
    public static List<Tensor> of(Tensor value, List<Tensor> wrt) {
        if (value.shape().size() != 1) {
            throw new CallerException("gradient", "not a scalar", value.type().toString(), "one element", "sum it, or pass a cotangent");
        }
        return of(value, value.context().fill(value.type(), 1), wrt);
    }

    /** Gradients of {@code sum(value * cotangent)}, for a value of any shape. @param cotangent of the value's type */
    public static List<Tensor> of(Tensor value, Tensor cotangent, List<Tensor> wrt) {
        return walk(value, cotangent, wrt, Set.of());
    }

    /** @param boundary tensors that the walk does not look behind: what they came from does not count */
    private static List<Tensor> walk(Tensor value, Tensor cotangent, List<Tensor> wrt, Set<Tensor> boundary) {
        Map<Tensor, Tensor> gradients = new IdentityHashMap<>();
        Set<Tensor> relevant = relevant(value, wrt, boundary);
        gradients.put(value, cotangent);
        TreeMap<Integer, Tensor.Origin> open = new TreeMap<>();
        open(open, value, relevant, boundary);
        while (!open.isEmpty()) {
            Tensor.Origin o = open.pollLastEntry().getValue();
            List<Tensor> dys = o.outputs().stream().map(gradients::get).toList();
            List<Tensor> dxs = backward(o, dys, relevant);
            for (int i = 0; i < dxs.size(); i++) {
                Tensor x = o.inputs().get(i);
                if (dxs.get(i) != null && relevant.contains(x)) {
                    gradients.merge(x, sumTo(dxs.get(i), x.shape()), Tensor::add);
                    open(open, x, relevant, boundary);
                }
            }
        }
        return wrt.stream().map(t -> Optional.ofNullable(gradients.get(t)).orElseGet(() -> t.context().fill(t.type(), 0))).toList();
    }

    private static void open(TreeMap<Integer, Tensor.Origin> open, Tensor t, Set<Tensor> relevant, Set<Tensor> boundary) {
        if (relevant.contains(t) && !boundary.contains(t)) {
            t.origin().filter(o -> !o.inputs().isEmpty()).ifPresent(o -> open.put(o.index(), o)); // leaves end the walk
        }
    }

    /** The tensors on a way from one of {@code wrt} to the value: only their gradients are computed. */
    private static Set<Tensor> relevant(Tensor value, List<Tensor> wrt, Set<Tensor> boundary) {
        TreeMap<Integer, Tensor.Origin> open = new TreeMap<>();
        TreeMap<Integer, Tensor.Origin> reached = new TreeMap<>();
        reach(open, value, boundary);
        while (!open.isEmpty()) {
            Tensor.Origin o = open.pollLastEntry().getValue();
            reached.put(o.index(), o);
            o.inputs().forEach(in -> reach(open, in, boundary));
        }
        Set<Tensor> relevant = Collections.newSetFromMap(new IdentityHashMap<>());
        relevant.addAll(wrt);
        for (Tensor.Origin o : reached.values()) {
            if (o.inputs().stream().anyMatch(relevant::contains)) {
                relevant.addAll(o.outputs());
            }
        }
        return relevant;
    }

    private static void reach(TreeMap<Integer, Tensor.Origin> open, Tensor t, Set<Tensor> boundary) {
        if (!boundary.contains(t)) {
            t.origin().ifPresent(o -> open.put(o.index(), o));
        }
    }

    /** Gradients of an application's inputs; null for zero. */
    private static List<Tensor> backward(Tensor.Origin o, List<Tensor> dys, Set<Tensor> relevant) {
        Optional<List<Gradient>> row = Calculus.of(o.op(), o.inputs().size());
        // Rows speak of the first output; when a second order reaches the others, the definition knows.
        boolean others = dys.stream().skip(1).anyMatch(Objects::nonNull);
        if (o.op() instanceof Composite c && (row.isEmpty() || others)) {
            return throughDefinition(c, o, dys);
        }
        List<Gradient> rules = row.orElseThrow(() -> new CallerException("gradient", "no rule for the op", describe(o.op(), o),
                "a row in the calculus", "add the row, or let the op implement Calculus.Differentiable"));
        Gradient.Application a = new Gradient.Application(o.op(), o.inputs(), o.outputs(), dys, new Object[1]);
        List<Tensor> dxs = new ArrayList<>();
        for (int i = 0; i < rules.size(); i++) {
            dxs.add(!relevant.contains(o.inputs().get(i)) ? null : switch (rules.get(i)) {
                case Gradient.Formula f -> f.rule().apply(a);
                case Gradient.None _ -> null;
                case Gradient.NotImplemented n -> throw new CallerException("gradient", "not implemented for this op", describe(o.op(), o),
                        "a formula for input " + i, n.why());
            });
        }
        return dxs;
    }

    /**
     * A composite is rebuilt from its definition, and that is differentiated: partially, each input being held as if it were given, also where
     * one input was computed from another. What goes through there is counted by the walk outside.
     */
    private static List<Tensor> throughDefinition(Composite c, Tensor.Origin o, List<Tensor> dys) {
        List<Tensor> outputs = c.define(o.inputs());
        Set<Tensor> boundary = Collections.newSetFromMap(new IdentityHashMap<>());
        List<Tensor> distinct = o.inputs().stream().filter(boundary::add).toList();
        List<Tensor> sums = new ArrayList<>(Collections.nCopies(o.inputs().size(), null));
        for (int k = 0; k < outputs.size(); k++) {
            if (dys.get(k) != null) {
                List<Tensor> part = walk(outputs.get(k), dys.get(k), distinct, boundary);
                for (int j = 0; j < part.size(); j++) {
                    int i = place(o.inputs(), distinct.get(j)); // of a tensor that is passed twice, the first: the sum of both is there
                    sums.set(i, sums.get(i) == null ? part.get(j) : sums.get(i).add(part.get(j)));
                }
            }
        }
        return sums;
    }

    private static int place(List<Tensor> list, Tensor t) {
        int i = 0;
        while (list.get(i) != t) {
            i++;
        }
        return i;
    }

    private static String describe(Op op, Tensor.Origin o) {
        return op.name() + " of " + o.inputs().stream().map(t -> t.type().toString()).toList();
    }

    /** Sums a gradient over the axes that its input was broadcast along. */
    private static Tensor sumTo(Tensor g, Shape shape) {
        if (g.shape().equals(shape)) {
            return g;
        }
        int lead = g.shape().rank() - shape.rank();
        List<Integer> axes = new ArrayList<>();
        for (int i = 0; i < g.shape().rank(); i++) {
            if (i < lead || shape.dim(i - lead) == 1 && g.shape().dim(i) != 1) {
                axes.add(i);
            }
        }
        return g.apply(new Reduction.Sum(axes, false)).reshape(shape.dims());
    }
}
