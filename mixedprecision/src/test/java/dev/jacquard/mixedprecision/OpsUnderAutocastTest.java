package dev.jacquard.mixedprecision;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tck.Case;
import dev.jacquard.tck.Comparator;
import dev.jacquard.tck.Oracle;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Composite;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.OpRow;
import dev.jacquard.tensor.op.OpTable;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Sample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each op of the table behind operands that come out of half-precision ops, as they do in a network. */
class OpsUnderAutocastTest {
    private static final long SEED = 5;
    private static final long LARGE = 1 << 13;
    private static final int ROUNDINGS = 8;

    /** Makes half precision of F32 under autocast. */
    private record Product() implements Pointwise.Unary, CastPolicy.Custom {
        @Override
        public double apply(double x) {
            return x;
        }

        @Override
        public CastPolicy castPolicy() {
            return CastPolicy.HALF;
        }
    }

    private static Graph graph(Sample s) {
        GraphBuilder b = new GraphBuilder(true);
        List<Tensor> in = new ArrayList<>();
        for (int i = 0; i < s.operands().size(); i++) {
            Tensor x = b.input("x" + i, s.types().get(i));
            in.add(x.dtype() == DType.F32 ? x.apply(new Product()) : x);
        }
        List<Tensor> out = b.apply(s.op(), in);
        for (int i = 0; i < out.size(); i++) {
            b.output("y" + i, out.get(i));
        }
        return b.build();
    }

    /** Runs a graph op by op. */
    private static List<double[]> run(Graph g, List<double[]> values) {
        try (Scope scope = Scope.open(new ReferenceBackend())) {
            Map<Symbol, Tensor> image = new IdentityHashMap<>();
            for (Node n : g.nodes()) {
                List<Tensor> out = n.op() instanceof Leaf.Input in ? List.of(scope.tensor(in.type(), values.get(Integer.parseInt(in.label().substring(1)))))
                        : scope.apply(n.op(), n.inputs().stream().map(image::get).toList());
                n.outputs().forEach(s -> image.put(s, out.get(s.index())));
            }
            return g.outputs().values().stream().map(s -> ((EagerTensor) image.get(s)).doubles()).toList();
        }
    }

    private static void check(Sample s, DType half) {
        Graph before = graph(s);
        Graph g = new Autocast(half, List.of()).apply(before).verify();
        assertEquals(before.outputs().values().stream().map(Symbol::type).toList(), g.outputs().values().stream().map(Symbol::type).toList(), s.toString());
        Node op = g.nodes().stream().filter(n -> n.op().getClass() == s.op().getClass()).findFirst().orElseThrow(() -> new AssertionError(s + " is not in " + g.print()));
        for (int i = 0; i < op.inputs().size(); i++) {
            assertTrue(!op.op().wide(i) || !op.inputs().get(i).dtype().isHalf(), g.print());
        }
        List<double[]> drawn = new Case("reference", s, half, "autocast", SEED).values();
        List<double[]> values = IntStream.range(0, drawn.size()).mapToObj(i -> s.types().get(i).dtype() == DType.F32 ? rounded(half, drawn.get(i)) : drawn.get(i)).toList();
        List<double[]> want = Oracle.outputs(s.op(), s.types(), values);
        List<double[]> got = run(g, values);
        for (int i = 0; i < want.size(); i++) {
            TensorType type = before.outputs().get("y" + i).type();
            boolean rounded = s.op() instanceof Composite || op.outputs().get(i).dtype() == half;
            DType made = type.dtype() == DType.F32 && rounded ? half : type.dtype();
            // A composite's definition rounds at every op, so that of its elements only the norm is near; one kernel's roundings are the backends' tests'
            boolean near = s.op() instanceof Composite && made.isHalf() && distance(got.get(i), want.get(i)) < ROUNDINGS * (half == DType.F16 ? 0x1p-11 : 0x1p-8);
            int output = i;
            Comparator.difference(type.withDType(made), got.get(i), want.get(i), Tolerance.of(made, s.op().accuracy(s.types())), 1).filter(_ -> !near).ifPresent(problem -> {
                throw new AssertionError(s + ", output " + output + ": " + problem + "\n" + g.print());
            });
        }
    }

    /** Of two vectors, in units of the second one's norm. */
    private static double distance(double[] a, double[] b) {
        double sum = 0;
        double norm = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (a[i] - b[i]) * (a[i] - b[i]);
            norm += b[i] * b[i];
        }
        return Math.sqrt(sum / norm);
    }

    private static double[] rounded(DType half, double[] values) {
        return Arrays.stream(values).map(v -> Elements.round(half, v)).toArray();
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void everyOpOfTheTable(DType half) {
        Set<String> wrong = new TreeSet<>();
        for (OpRow row : OpTable.rows()) {
            for (Sample s : row.samples().stream().filter(s -> s.types().stream().mapToLong(t -> t.shape().size()).sum() < LARGE).limit(4).toList()) {
                try {
                    check(s, half);
                } catch (AssertionError | RuntimeException e) {
                    wrong.add(row.type().getSimpleName() + ": " + e);
                }
            }
        }
        assertTrue(wrong.isEmpty(), () -> String.join("\n", wrong));
    }
}
