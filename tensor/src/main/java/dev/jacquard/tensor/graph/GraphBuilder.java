package dev.jacquard.tensor.graph;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Random;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Records what is applied. Not thread-safe. */
public final class GraphBuilder implements Context {
    /** Name of the input that random ops read: I64 (2), the seed and the step. Declared when the first random op is recorded. */
    public static final String RANDOM = "random";

    private final boolean training;
    private final List<Node> nodes = new ArrayList<>();
    private final Map<String, Symbol> inputs = new LinkedHashMap<>();
    private final Map<Variable, Symbol> reads = new IdentityHashMap<>();
    private final Map<Leaf, Symbol> constants = new java.util.HashMap<>();
    private final Map<String, Symbol> outputs = new LinkedHashMap<>();
    private final Map<Variable, Symbol> updates = new LinkedHashMap<>();
    private String label = "";
    private int streams;

    /** A builder. @param training whether layers behave as in training */
    public GraphBuilder(boolean training) {
        this.training = training;
    }

    /** A value that is fed at every step. */
    public Symbol input(String name, TensorType type) {
        Symbol old = inputs.get(name);
        if (old != null) {
            throw new CallerException("input", "declared twice", name, "different names", "rename one of them");
        }
        return (Symbol) apply(new Leaf.Input(name, type), List.of()).getFirst();
    }

    /** Names a result. */
    public void output(String name, Tensor value) {
        outputs.put(name, own(value));
    }

    @Override
    public List<Tensor> apply(Op op, List<Tensor> in) {
        if (op instanceof Leaf leaf) {
            return List.of(leaf(leaf));
        }
        return record(op, in);
    }

    private Symbol leaf(Leaf leaf) {
        // A value from outside is one node however often it is asked for.
        return switch (leaf) {
            case Leaf.Read read -> reads.computeIfAbsent(read.variable(), _ -> (Symbol) record(leaf, List.of()).getFirst());
            case Leaf.Input input -> inputs.computeIfAbsent(input.label(), _ -> (Symbol) record(leaf, List.of()).getFirst());
            case Leaf.Fill _, Leaf.Literal _ -> constants.computeIfAbsent(leaf, _ -> (Symbol) record(leaf, List.of()).getFirst());
        };
    }

    private List<Tensor> record(Op op, List<Tensor> in) {
        if (op instanceof Random r) {
            streams = Math.max(streams, r.stream() + 1); // also of what a pass copied, so that recording goes on with other numbers
        }
        List<Symbol> own = in.stream().map(this::own).toList();
        List<TensorType> types = op.infer(Graph.types(own));
        Node node = new Node(nodes.size(), op, own, label);
        List<Symbol> out = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            out.add(new Symbol(this, node, i, types.get(i)));
        }
        node.outputs(List.copyOf(out));
        nodes.add(node);
        return List.copyOf(out);
    }

    private Symbol own(Tensor t) {
        if (t instanceof Symbol s && s.context() == this) {
            return s;
        }
        throw new CallerException("record", "tensor belongs to another context", t.toString(), "a tensor recorded by this builder",
                "make constants with literal(), state with read(), and feed values through input()");
    }

    @Override
    public Tensor read(Variable variable) {
        return leaf(new Leaf.Read(variable));
    }

    @Override
    public void write(Variable variable, Tensor value) {
        Symbol s = own(value);
        if (!s.type().equals(variable.type())) {
            throw new CallerException("write", "value does not fit the variable", s.type().toString(), variable.toString(), "cast or reshape it");
        }
        updates.put(variable, s);
    }

    @Override
    public Tensor next(Variable variable) {
        Symbol written = updates.get(variable);
        return written == null ? read(variable) : written;
    }

    @Override
    public boolean training() {
        return training;
    }

    @Override
    public Tensor uniform(Shape shape) {
        return apply(new Random.Uniform(shape, streams), List.of(counter())).getFirst();
    }

    @Override
    public Tensor dropout(Tensor x, double survival, Random.Dropout.Fate fate) {
        return apply(new Random.Dropout(survival, fate, streams), List.of(x, counter())).getFirst();
    }

    /** What random numbers are a function of: the input that holds the seed and the step. */
    private Symbol counter() {
        return leaf(new Leaf.Input(RANDOM, TensorType.of(DType.I64, 2)));
    }

    @Override
    public Label label(String name) {
        String outer = label;
        label = outer.isEmpty() ? name : name.isEmpty() ? outer : outer + "." + name;
        return () -> label = outer;
    }

    /** The graph of what was recorded, verified. */
    public Graph build() {
        return new Graph(nodes, outputs, updates).verify();
    }
}
