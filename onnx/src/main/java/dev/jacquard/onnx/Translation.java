package dev.jacquard.onnx;

import dev.jacquard.onnx.OnnxGraph.Attribute;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.FusedNormalization.ScaleShift;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Pooling;
import dev.jacquard.tensor.op.Reduction;
import dev.jacquard.tensor.op.SqueezeExcitation.SqueezeExcite;
import dev.jacquard.tensor.op.Window;
import dev.jacquard.tensor.plan.State;
import java.util.Arrays;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** One graph's way into a GraphProto, node by node. */
final class Translation {
    private final Graph graph;
    private final boolean anyBatch;
    private final Constants constants;
    private final Map<Symbol, List<Node>> uses;
    private final OnnxGraph onnx = new OnnxGraph("evaluation");
    private final Map<Symbol, String> names = new IdentityHashMap<>();
    /** Nodes that an earlier one has taken in: all of them, or of a {@link ScaleShift} its scale and shift. */
    private final Set<Node> folded = new HashSet<>();

    Translation(Graph evaluation, State weights, boolean anyBatch) {
        this.graph = parts(evaluation.rewrite((_, _) -> null));
        this.anyBatch = anyBatch;
        this.constants = new Constants(graph, weights);
        this.uses = graph.uses();
        if (!graph.updates().isEmpty()) {
            throw new CallerException("export", "graph writes variables", graph.updates().keySet().iterator().next().toString(), "an evaluation",
                    "record the network in a builder that does not train");
        }
        graph.outputs().keySet().forEach(onnx::free);
        graph.inputs().keySet().forEach(onnx::free);
    }

    /** A graph in which composites are expanded, but for those that have a form of their own here. */
    private static Graph parts(Graph whole) {
        Map<Symbol, List<Node>> uses = whole.uses();
        return whole.expand(n -> !(n.op() instanceof ScaleShift)
                && !(n.op() instanceof SqueezeExcite && n.outputs().stream().skip(1).noneMatch(s -> uses.containsKey(s) || whole.outputs().containsValue(s))));
    }

    Message run() {
        for (Node n : graph.nodes()) {
            if (!constants.has(n) && (!folded.contains(n) || n.op() instanceof ScaleShift)) {
                translate(n);
            }
        }
        graph.outputs().forEach((name, s) -> {
            onnx.node(name, "Identity", List.of(operand(s)));
            onnx.output(name, anyBatch, Nchw.dims(s.shape()));
        });
        return onnx.message();
    }

    private void translate(Node n) {
        if (n.outputs().stream().anyMatch(s -> s.dtype() != DType.F32 && uses.containsKey(s))) {
            throw refusal(n, "values of " + n.outputs().getFirst().dtype());
        }
        String y = switch (n.op()) {
            case Leaf.Input in -> input(in);
            case Conv2d op -> convolution(n, op);
            case ScaleShift op -> scaleShift(n, op);
            case SqueezeExcite op -> gate(n, op);
            case MatMul op -> product(n, op);
            case Pooling.MaxPool2d op -> node(n, "MaxPool", window(op.r(), op.s(), op.window()));
            case Pooling.AvgPool2d op -> node(n, "AveragePool", with(window(op.r(), op.s(), op.window()), Attribute.of("count_include_pad", op.countPadding() ? 1L : 0L)));
            case Reduction.Sum op -> sum(n, op);
            case Reduction.Softmax _ -> node(n, "Softmax", lastAxis(n));
            case Reduction.LogSoftmax _ -> node(n, "LogSoftmax", lastAxis(n));
            case Pointwise op -> pointwise(n, op);
            case Movement op -> movement(n, op);
            default -> throw refusal(n, n.op().toString());
        };
        names.putIfAbsent(n.outputs().getFirst(), y);
    }

    private static CallerException refusal(Node n, String got) {
        return new CallerException("export", "no ONNX form of " + n, got, "an F32 evaluation of convolutions, linear layers, pooling, gates, normalisations, activations",
                "export the network as its module records it, before fusion, or add the op to dev.jacquard.onnx.Translation");
    }

    // Operands and names.

    private String name(Node n, String op) {
        return onnx.free((n.label().isEmpty() ? "" : n.label() + "/") + op);
    }

    private String node(Node n, String op, Attribute... attributes) {
        return onnx.node(name(n, op), op, List.of(operand(n.inputs().getFirst())), attributes);
    }

    private String operand(Symbol s) {
        return operand(s, s.shape().rank());
    }

    /** Name of an operand that is broadcast, aligned at our last axis. @param rank of the result */
    private String operand(Symbol s, int rank) {
        float[] values = constants.get(s);
        int own = s.shape().rank();
        if (values != null) {
            long[] dims = s.shape().dims();
            long[] full = new long[own == 0 ? 0 : rank];
            Arrays.fill(full, 1);
            System.arraycopy(dims, 0, full, full.length - own, own);
            Shape shape = Shape.of(full);
            String wish = s.node().op() instanceof Leaf.Read read ? read.variable().name() : (s.node().label().isEmpty() ? "" : s.node().label() + "/") + s.node().op().name();
            return onnx.floats(wish, Nchw.elements(values, shape), Nchw.dims(shape));
        }
        if (own != rank && own != 0 && rank == 4) {
            throw refusal(s.node(), "a result of " + s.type() + " that is broadcast to images");
        }
        return names.get(s);
    }

    /** Its only user; null if there are more, or it is a result. */
    private Node onlyUser(Symbol s) {
        List<Node> users = uses.getOrDefault(s, List.of());
        return users.size() == 1 && !graph.outputs().containsValue(s) ? users.getFirst() : null;
    }

    private String input(Leaf.Input in) {
        if (in.type().dtype() != DType.F32) {
            throw new CallerException("export", "input is not F32", in.label() + ": " + in.type(), "normalised F32 images", "export a network that takes them");
        }
        onnx.input(in.label(), anyBatch, Nchw.dims(in.type().shape()));
        return in.label();
    }

    // Convolutions with what is multiplied into them.

    /** A scale and a shift per channel. */
    private static final class PerChannel {
        private final double[] scale;
        private final double[] shift;
        private boolean shifts;

        PerChannel(int channels) {
            scale = new double[channels];
            shift = new double[channels];
            Arrays.fill(scale, 1);
        }

        void then(float[] a, float[] b) {
            for (int i = 0; i < scale.length; i++) {
                scale[i] *= a == null ? 1 : a[i];
                shift[i] = shift[i] * (a == null ? 1 : a[i]) + b[i];
            }
            shifts = true;
        }

        /** Weights of a layer with the scale in them. @param weights the outputs' axis first */
        float[] scaled(float[] weights) {
            int each = weights.length / Math.max(scale.length, 1);
            float[] out = new float[weights.length];
            for (int i = 0; i < out.length; i++) {
                out[i] = (float) (weights[i] * scale[i / each]);
            }
            return out;
        }

        float[] shift() {
            float[] out = new float[shift.length];
            for (int i = 0; i < out.length; i++) {
                out[i] = (float) shift[i];
            }
            return out;
        }
    }

    private String convolution(Node n, Conv2d op) {
        Symbol w = n.inputs().get(1);
        float[] weights = constants.get(w);
        long k = w.shape().dim(0);
        PerChannel after = new PerChannel(Math.toIntExact(k));
        Symbol last = weights == null ? n.outputs().getFirst() : absorb(n.outputs().getFirst(), after, true);
        String filter = weights == null ? names.get(w) : onnx.floats(wish(n, "weight"), Nchw.elements(after.scaled(weights), w.shape()), Nchw.dims(w.shape()));
        List<String> in = after.shifts ? List.of(operand(n.inputs().getFirst()), filter, onnx.floats(wish(n, "bias"), after.shift(), k))
                : List.of(operand(n.inputs().getFirst()), filter);
        Attribute[] window = window(w.shape().intDim(1), w.shape().intDim(2), op.window());
        String y = onnx.node(name(n, "Conv"), "Conv", in, with(window, Attribute.of("dilations", op.window().dilationH(), op.window().dilationW()),
                Attribute.of("group", (long) op.groups())));
        names.put(last, y);
        return y;
    }

    private static String wish(Node n, String what) {
        return n.label().isEmpty() ? what : n.label() + "." + what;
    }

    /** Takes in what follows a layer channel by channel and is constant. @param scales whether scales can be taken, too @return the value that the layer computes then */
    private Symbol absorb(Symbol layer, PerChannel into, boolean scales) {
        Symbol last = layer;
        for (Node user = onlyUser(last); user != null; user = onlyUser(last)) {
            List<Symbol> in = user.inputs();
            Symbol other = in.getFirst() == last ? in.getLast() : in.getFirst();
            if (user.op() instanceof Pointwise.Add && perChannel(other, last)) {
                into.then(null, constants.get(other));
            } else if (scales && (user.op() instanceof ScaleShift || user.op() instanceof Pointwise.MulAdd) && in.getFirst() == last && perChannel(in.get(1), last)
                    && perChannel(in.get(2), last)) {
                into.then(constants.get(in.get(1)), constants.get(in.get(2)));
            } else {
                return last;
            }
            folded.add(user);
            if (user.op() instanceof ScaleShift) {
                return last; // what else it does, it does in its own place, where its residual is known
            }
            last = user.outputs().getFirst();
        }
        return last;
    }

    private boolean perChannel(Symbol s, Symbol layer) {
        return constants.get(s) != null && s.shape().rank() == 1 && s.shape().dim(0) == layer.shape().dim(-1);
    }

    private String scaleShift(Node n, ScaleShift op) {
        List<Symbol> in = n.inputs();
        String y = names.get(in.getFirst());
        if (!folded.contains(n)) {
            int rank = in.getFirst().shape().rank();
            y = onnx.node(name(n, "Mul"), "Mul", List.of(operand(in.getFirst()), operand(in.get(1), rank)));
            y = onnx.node(name(n, "Add"), "Add", List.of(y, operand(in.get(2), rank)));
        }
        if (op.residual()) {
            y = onnx.node(name(n, "Add"), "Add", List.of(y, operand(in.get(3))));
        }
        return activation(n, op.activation(), y);
    }

    private String activation(Node n, Nonlinearity by, String x) {
        return switch (by) {
            case NONE -> x;
            case RELU -> onnx.node(name(n, "Relu"), "Relu", List.of(x));
            case SILU -> silu(n, x);
        };
    }

    private String silu(Node n, String x) {
        return onnx.node(name(n, "Mul"), "Mul", List.of(x, onnx.node(name(n, "Sigmoid"), "Sigmoid", List.of(x))));
    }

    /** The two layers as 1x1 convolutions of one pixel, as exporters of other libraries have them. */
    private String gate(Node n, SqueezeExcite op) {
        String x = operand(n.inputs().getFirst());
        String mean = onnx.node(name(n, "GlobalAveragePool"), "GlobalAveragePool", List.of(x));
        String hidden = activation(n, op.activation(), pixel(n, mean, 1));
        String gate = onnx.node(name(n, "Sigmoid"), "Sigmoid", List.of(pixel(n, hidden, 3)));
        return onnx.node(name(n, "Mul"), "Mul", List.of(x, gate));
    }

    private String pixel(Node n, String x, int weight) {
        Symbol w = n.inputs().get(weight);
        float[] values = constants.get(w);
        if (values == null) {
            throw refusal(n, "weights that are computed");
        }
        String filter = onnx.floats(wish(n, "weight"), values, w.shape().dim(0), w.shape().dim(1), 1, 1);
        return onnx.node(name(n, "Conv"), "Conv", List.of(x, filter, operand(n.inputs().get(weight + 1))), Attribute.of("kernel_shape", 1L, 1L));
    }

    private String product(Node n, MatMul op) {
        Symbol y = n.outputs().getFirst();
        PerChannel after = new PerChannel(y.shape().intDim(1));
        Symbol last = absorb(y, after, false);
        List<String> operands = List.of(operand(n.inputs().get(0)), operand(n.inputs().get(1)));
        List<String> in = after.shifts ? List.of(operands.get(0), operands.get(1), onnx.floats(wish(n, "bias"), after.shift(), y.shape().dim(1))) : operands;
        String name = onnx.node(name(n, "Gemm"), "Gemm", in, Attribute.of("transA", op.transposeA() ? 1L : 0L), Attribute.of("transB", op.transposeB() ? 1L : 0L));
        names.put(last, name);
        return name;
    }

    // Windows and axes.

    private static Attribute[] window(int r, int s, Window w) {
        return new Attribute[] {Attribute.of("kernel_shape", r, s), Attribute.of("strides", w.strideH(), w.strideW()),
                Attribute.of("pads", w.top(), w.left(), w.bottom(), w.right())};
    }

    private static Attribute[] with(Attribute[] some, Attribute... more) {
        Attribute[] all = Arrays.copyOf(some, some.length + more.length);
        System.arraycopy(more, 0, all, some.length, more.length);
        return all;
    }

    private static Attribute lastAxis(Node n) {
        int rank = n.inputs().getFirst().shape().rank();
        return Attribute.of("axis", (long) Nchw.axis(rank - 1, rank));
    }

    private String sum(Node n, Reduction.Sum op) {
        Symbol x = n.inputs().getFirst();
        int rank = x.shape().rank();
        int[] axes = op.axes().stream().mapToInt(x.shape()::axis).sorted().toArray();
        Node user = onlyUser(n.outputs().getFirst());
        boolean image = rank == 4 && Arrays.equals(axes, new int[] {1, 2}) && !op.keep();
        if (image && user != null && user.op() instanceof Pointwise.Affine a && a.shift() == 0 && a.scale() == 1.0 / (x.shape().dim(1) * x.shape().dim(2))) {
            folded.add(user);
            String mean = onnx.node(name(n, "GlobalAveragePool"), "GlobalAveragePool", List.of(operand(x)));
            String flat = onnx.node(name(n, "Flatten"), "Flatten", List.of(mean), Attribute.of("axis", 1L));
            names.put(user.outputs().getFirst(), flat);
            return flat;
        }
        int[] rest = IntStream.range(0, rank).filter(a -> Arrays.binarySearch(axes, a) < 0).map(a -> Nchw.axis(a, rank)).toArray();
        boolean ordered = IntStream.range(1, rest.length).allMatch(i -> rest[i - 1] < rest[i]);
        if (anyBatch && axes.length > 0 && axes[0] == 0 || !op.keep() && !ordered) {
            throw refusal(n, op + " of " + x.type());
        }
        String over = onnx.longs(name(n, "axes"), Arrays.stream(axes).mapToLong(a -> Nchw.axis(a, rank)).toArray());
        return onnx.node(name(n, "ReduceSum"), "ReduceSum", List.of(operand(x), over), Attribute.of("keepdims", op.keep() ? 1L : 0L));
    }

    // Pointwise ops and movements.

    private String pointwise(Node n, Pointwise op) {
        int rank = n.outputs().getFirst().shape().rank();
        List<Symbol> in = n.inputs();
        return switch (op) {
            case Pointwise.Affine a -> affine(n, a);
            case Pointwise.Relu _ -> node(n, "Relu");
            case Pointwise.Sigmoid _ -> node(n, "Sigmoid");
            case Pointwise.Tanh _ -> node(n, "Tanh");
            case Pointwise.Silu _ -> silu(n, operand(in.getFirst()));
            case Pointwise.Hardswish _ -> node(n, "HardSwish");
            case Pointwise.Exp _ -> node(n, "Exp");
            case Pointwise.Log _ -> node(n, "Log");
            case Pointwise.Sqrt _ -> node(n, "Sqrt");
            case Pointwise.Rsqrt _ -> onnx.node(name(n, "Reciprocal"), "Reciprocal", List.of(node(n, "Sqrt")));
            case Pointwise.Abs _ -> node(n, "Abs");
            case Pointwise.Add _ -> binary(n, "Add", rank);
            case Pointwise.Sub _ -> binary(n, "Sub", rank);
            case Pointwise.Mul _ -> binary(n, "Mul", rank);
            case Pointwise.Div _ -> binary(n, "Div", rank);
            case Pointwise.Max _ -> binary(n, "Max", rank);
            case Pointwise.Min _ -> binary(n, "Min", rank);
            case Pointwise.MulAdd _ -> onnx.node(name(n, "Add"), "Add", List.of(binary(n, "Mul", rank), operand(in.get(2), rank)));
            default -> throw refusal(n, op.toString());
        };
    }

    private String binary(Node n, String op, int rank) {
        return onnx.node(name(n, op), op, List.of(operand(n.inputs().get(0), rank), operand(n.inputs().get(1), rank)));
    }

    private String affine(Node n, Pointwise.Affine a) {
        String y = operand(n.inputs().getFirst());
        if (a.scale() != 1) {
            y = onnx.node(name(n, "Mul"), "Mul", List.of(y, onnx.floats(wish(n, "scale"), new float[] {(float) a.scale()})));
        }
        return a.shift() == 0 ? y : onnx.node(name(n, "Add"), "Add", List.of(y, onnx.floats(wish(n, "shift"), new float[] {(float) a.shift()})));
    }

    private String movement(Node n, Movement op) {
        Symbol x = n.inputs().getFirst();
        int rank = x.shape().rank();
        return switch (op) {
            case Movement.Copy _ -> operand(x);
            case Movement.Reshape to -> reshape(n, x, to.shape());
            case Movement.Concat c -> onnx.node(name(n, "Concat"), "Concat", n.inputs().stream().map(this::operand).toList(),
                    Attribute.of("axis", (long) Nchw.axis(x.shape().axis(c.axis()), rank)));
            case Movement.Slice s when x.shape().axis(s.axis()) > 0 -> onnx.node(name(n, "Slice"), "Slice",
                    List.of(operand(x), onnx.longs(name(n, "from"), s.from()), onnx.longs(name(n, "to"), s.to()),
                    onnx.longs(name(n, "axis"), Nchw.axis(x.shape().axis(s.axis()), rank))));
            case Movement.Pad p -> {
                long[] pads = new long[2 * rank];
                int axis = Nchw.axis(x.shape().axis(p.axis()), rank);
                pads[axis] = p.before();
                pads[rank + axis] = p.after();
                yield onnx.node(name(n, "Pad"), "Pad", List.of(operand(x), onnx.longs(name(n, "pads"), pads)));
            }
            default -> throw refusal(n, op.toString());
        };
    }

    /** Where no element moves: between values that both are in our order, and to and from images of one pixel. */
    private String reshape(Node n, Symbol x, Shape to) {
        Shape from = x.shape();
        boolean pixel = from.rank() == 4 && from.dim(1) == 1 && from.dim(2) == 1;
        boolean toPixel = to.rank() == 4 && to.dim(1) == 1 && to.dim(2) == 1;
        boolean stays = (from.rank() != 4 || pixel) && (to.rank() != 4 || toPixel);
        boolean sameFirst = from.rank() > 0 && to.rank() > 0 && from.dim(0) == to.dim(0);
        if (!stays || anyBatch && !sameFirst) {
            throw refusal(n, "reshape of " + from + " to " + to);
        }
        long[] dims = Nchw.dims(to);
        if (sameFirst) {
            dims[0] = 0; // ONNX: as it is
        }
        return onnx.node(name(n, "Reshape"), "Reshape", List.of(operand(x), onnx.longs(name(n, "shape"), dims)));
    }
}
