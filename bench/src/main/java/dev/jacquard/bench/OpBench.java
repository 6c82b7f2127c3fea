package dev.jacquard.bench;

import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
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

/** Single ops of the model families as plans on the CPU backend, F32. The score is milliseconds; the set-up prints the FLOPs that they stand for. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
@org.openjdk.jmh.annotations.State(org.openjdk.jmh.annotations.Scope.Benchmark)
public class OpBench {
    /** Which op at which size; see {@link #sample}. */
    @Param({"matmul-512", "conv-stem-224-b8", "conv-3x3-64-56-b8", "conv-3x3-256-14-b8", "conv-1x1-256-64-56-b8", "conv-3x3-64-8-b128", "conv-3x3-512-1-b128",
            "data-3x3-64-56-b8", "weight-3x3-64-56-b8", "depthwise-3x3-144-56-b8", "depthwise-5x5-240-28-b8", "silu-1m"})
    public String name;

    private Backend backend;
    private State state;
    private Plan plan;

    /** Made by JMH. */
    public OpBench() {}

    private static Sample sample(String name) {
        Window same = Window.of(1, 1);
        return switch (name) {
            case "matmul-512" -> Sample.of(new MatMul(false, false), Operand.of(512, 512), Operand.of(512, 512));
            case "conv-stem-224-b8" -> conv(8, 224, 3, 64, 7, Window.of(2, 3), 1);
            case "conv-3x3-64-56-b8" -> conv(8, 56, 64, 64, 3, same, 1);
            case "conv-3x3-256-14-b8" -> conv(8, 14, 256, 256, 3, same, 1);
            case "conv-1x1-256-64-56-b8" -> conv(8, 56, 256, 64, 1, Window.of(1, 0), 1);
            case "conv-3x3-64-8-b128" -> conv(128, 8, 64, 64, 3, same, 1);
            case "conv-3x3-512-1-b128" -> conv(128, 1, 512, 512, 3, same, 1);
            case "data-3x3-64-56-b8" -> Sample.of(new Conv2dBackwardData(same, 1, 56, 56), Operand.of(8, 56, 56, 64), Operand.of(64, 3, 3, 64));
            case "weight-3x3-64-56-b8" -> Sample.of(new Conv2dBackwardWeight(same, 1, 3, 3), Operand.of(8, 56, 56, 64), Operand.of(8, 56, 56, 64));
            case "depthwise-3x3-144-56-b8" -> conv(8, 56, 144, 144, 3, same, 144);
            case "depthwise-5x5-240-28-b8" -> conv(8, 28, 240, 240, 5, Window.of(1, 2), 240);
            case "silu-1m" -> Sample.of(new Pointwise.Silu(), Operand.of(1 << 20));
            default -> throw new IllegalArgumentException(name);
        };
    }

    private static Sample conv(int n, int size, int c, int k, int r, Window window, int groups) {
        return Sample.of(new Conv2d(window, groups), Operand.of(n, size, size, c), Operand.of(k, r, r, c / groups));
    }

    /** Plans the op and checks that the plan computes what the op computes when it is run by itself on a single thread. */
    @Setup(Level.Trial)
    public void setUp() {
        Sample s = sample(name);
        backend = Backends.open("cpu", 0);
        state = new State(backend);
        Graph graph = graph(s.op(), s.types());
        plan = Plan.of(graph, state);
        List<float[]> values = new ArrayList<>();
        for (int i = 0; i < s.operands().size(); i++) {
            double[] d = s.operands().get(i).materialize(1, i);
            float[] f = new float[d.length];
            for (int j = 0; j < f.length; j++) {
                f[j] = (float) d[j];
            }
            values.add(f);
            plan.feed("x" + i, MemorySegment.ofArray(f));
        }
        plan.run();
        check(s, values, plan.floats("y"));
        System.out.printf("%s: %.3f GFLOP, %.1f MB%n", name, graph.cost().flops() / 1e9, graph.cost().bytes() / 1e6);
    }

    private static Graph graph(Op op, List<TensorType> types) {
        GraphBuilder b = new GraphBuilder(false);
        List<Tensor> in = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            in.add(b.input("x" + i, types.get(i)));
        }
        b.output("y", b.apply(op, in).getFirst());
        return b.build();
    }

    private static void check(Sample s, List<float[]> values, float[] got) {
        try (Backend single = Backends.open("cpu", 1); Scope scope = Scope.open(single)) {
            List<Tensor> in = new ArrayList<>();
            for (int i = 0; i < values.size(); i++) {
                in.add(scope.tensor(values.get(i), s.types().get(i).shape().dims()));
            }
            float[] want = ((EagerTensor) scope.apply(s.op(), in).getFirst()).floats();
            if (!java.util.Arrays.equals(want, got)) {
                throw new IllegalStateException(s + ": two threads and one differ");
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
        state.close();
        backend.close();
    }
}
