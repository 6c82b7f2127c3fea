package dev.jacquard.bench;

import dev.jacquard.passes.FrozenPlans;
import dev.jacquard.tck.Comparator;
import dev.jacquard.tck.Oracle;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Single ops of the model families ({@link BenchOps}) as plans on the CPU backend, F32. Before the plan is timed, what it computes is compared with the double-precision reference,
 * by the table of tolerances that the tests use. The score is milliseconds; the set-up prints the FLOPs that they stand for.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
@org.openjdk.jmh.annotations.State(org.openjdk.jmh.annotations.Scope.Benchmark)
public class OpBench {
    /** Of the tolerance: among millions of results the worst is further out than among the thousands of the tests' samples. */
    private static final double SCALE = 2;

    /** Which op at which size; OpBenchTest sees to it that none is missing. */
    @Param({"matmul-512", "matmul-1024", "linear-16-2048-1000",
            "forward-stem-7x7s2-224-3-64", "forward-3x3-56-64-64", "forward-1x1-56-256-64", "forward-3x3-14-256-256", "forward-1x1-7-512-2048", "forward-3x3s2-28-256-256",
                    "forward-1x1s2-28-512-1024",
            "forward-depthwise-3x3-112-96", "forward-depthwise-3x3s2-112-96", "forward-depthwise-5x5-14-672", "forward-grouped32-3x3-28-256", "forward-grouped32-3x3s2-56-256",
            "data-stem-7x7s2-224-3-64", "data-3x3-56-64-64", "data-1x1-56-256-64", "data-3x3-14-256-256", "data-1x1-7-512-2048", "data-3x3s2-28-256-256", "data-1x1s2-28-512-1024",
            "data-depthwise-3x3-112-96", "data-depthwise-3x3s2-112-96", "data-depthwise-5x5-14-672", "data-grouped32-3x3-28-256", "data-grouped32-3x3s2-56-256",
            "weight-stem-7x7s2-224-3-64", "weight-3x3-56-64-64", "weight-1x1-56-256-64", "weight-3x3-14-256-256", "weight-1x1-7-512-2048", "weight-3x3s2-28-256-256",
            "weight-1x1s2-28-512-1024",
            "weight-depthwise-3x3-112-96", "weight-depthwise-3x3s2-112-96", "weight-depthwise-5x5-14-672", "weight-grouped32-3x3-28-256", "weight-grouped32-3x3s2-56-256",
            "norm-relu-add-56-256", "norm-silu-56-256", "norm-silu-backward-56-256", "scale-shift-relu-add-56-256", "squeeze-excite-14-672", "max-pool-3x3s2-112-64",
            "mean-7-2048", "silu-1m", "update-momentum-4m", "update-rmsprop-4m"})
    public String name;

    private Backend backend;
    private State state;
    private FrozenPlans frozen;
    private Plan plan;

    /** Made by JMH. */
    public OpBench() {}

    /** Plans the op as an evaluation has it, with weights that stay as they are packed beforehand, and checks what the plan computes. */
    @Setup(Level.Trial)
    public void setUp() {
        BenchOps.Case c = BenchOps.of(name);
        List<double[]> values = values(c.sample());
        backend = Backends.open("cpu", 0);
        state = new State(backend);
        frozen = new FrozenPlans(state);
        Graph graph = graph(c, values);
        plan = frozen.of(graph);
        frozen.settle();
        for (int i = 0; i < values.size(); i++) {
            if (i != c.weights()) {
                feed("x" + i, c.sample().types().get(i), values.get(i));
            }
        }
        plan.run();
        check(c.sample(), values, plan);
        System.out.printf("%s: %.3f GFLOP, %.1f MB%n", name, graph.cost().flops() / 1e9, graph.cost().bytes() / 1e6);
    }

    /** What the operands hold, as F32 has it. */
    private static List<double[]> values(Sample s) {
        List<double[]> all = new ArrayList<>();
        for (int i = 0; i < s.operands().size(); i++) {
            double[] v = s.operands().get(i).materialize(1, i);
            for (int j = 0; j < v.length; j++) {
                v[j] = Elements.round(s.types().get(i).dtype(), v[j]);
            }
            all.add(v);
        }
        return all;
    }

    private Graph graph(BenchOps.Case c, List<double[]> values) {
        GraphBuilder b = new GraphBuilder(false);
        List<Tensor> in = new ArrayList<>();
        List<TensorType> types = c.sample().types();
        for (int i = 0; i < types.size(); i++) {
            in.add(i == c.weights() ? b.read(weight(types.get(i), values.get(i))) : b.input("x" + i, types.get(i)));
        }
        List<Tensor> out = b.apply(c.sample().op(), in);
        for (int i = 0; i < out.size(); i++) {
            b.output("y" + i, out.get(i));
        }
        return b.build();
    }

    private Variable weight(TensorType type, double... values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        Variable v = new Variable(() -> "weight", type, Variable.Role.PARAMETER, Initializer.ZEROS);
        state.reserve(List.of(v));
        state.set(v, floats);
        return v;
    }

    private void feed(String input, TensorType type, double... values) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(type.bytes(), 64);
            for (int i = 0; i < values.length; i++) {
                Elements.set(host, type.dtype(), i, values[i]);
            }
            plan.feed(input, host);
        }
    }

    /** Compares all results of a plan with the reference's. @throws IllegalStateException if one is not within its tolerance */
    static void check(Sample s, List<double[]> values, Plan plan) {
        List<TensorType> types = s.op().infer(s.types());
        List<double[]> want = Oracle.outputs(s.op(), s.types(), values);
        for (int k = 0; k < types.size(); k++) {
            TensorType type = types.get(k);
            double[] got = new double[Math.toIntExact(type.shape().size())];
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment host = arena.allocate(type.bytes(), 64);
                plan.fetch("y" + k, host);
                for (int i = 0; i < got.length; i++) {
                    got[i] = Elements.get(host, type.dtype(), i);
                }
            }
            Optional<String> wrong = Comparator.difference(type, got, want.get(k), Tolerance.of(type.dtype(), s.op().accuracy(s.types())), SCALE);
            if (wrong.isPresent()) {
                throw new IllegalStateException(s + ", result " + k + ": " + wrong.get());
            }
        }
    }

    /** The op. */
    @Benchmark
    public void run() {
        plan.run();
    }

    /** Frees everything. */
    @TearDown(Level.Trial)
    public void tearDown() {
        plan.close();
        frozen.close();
        state.close();
        backend.close();
    }
}
