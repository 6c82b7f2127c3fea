package dev.jacquard.cpu;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;

/**
 * Starts fresh JVMs and prints how fast a product of 512 x 512 matrices is within 0.3 s of the first call in each: emitted code should be at full speed at once, in every one. A
 * main, not a test. Arguments: how many JVMs, and which kernels, {@code auto} by default.
 */
public final class StartupCheck {
    private static final int N = 512;
    private static final long WINDOW = 300_000_000;

    private StartupCheck() {}

    /** Without arguments measures this JVM, otherwise starts that many. */
    public static void main(String[] args) throws IOException, InterruptedException {
        if (args.length == 0) {
            measure();
            return;
        }
        String java = System.getProperty("java.home") + "/bin/java";
        for (int i = 0; i < Integer.parseInt(args[0]); i++) {
            new ProcessBuilder(java, "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED",
                    "-D" + CpuPath.PROPERTY + "=" + (args.length > 1 ? args[1] : "auto"),
                    "-cp", System.getProperty("java.class.path"), StartupCheck.class.getName()).redirectError(ProcessBuilder.Redirect.DISCARD)
                    .redirectOutput(ProcessBuilder.Redirect.INHERIT).start().waitFor();
        }
    }

    private static void measure() {
        GraphBuilder b = new GraphBuilder(false);
        b.output("c", b.input("a", TensorType.f32(N, N)).matmul(b.input("b", TensorType.f32(N, N))));
        Graph graph = b.build();
        try (CpuBackend backend = new CpuBackend(2); State state = new State(backend); Plan plan = Plan.of(graph, state)) {
            double[] rates = new double[100_000];
            int calls = 0;
            long begin = System.nanoTime();
            for (long at = begin; at - begin < WINDOW && calls < rates.length; calls++) {
                plan.run();
                long now = System.nanoTime();
                rates[calls] = 2.0 * N * N * N / (now - at);
                at = now;
            }
            double[] last = Arrays.copyOfRange(rates, calls - Math.max(1, calls / 5), calls);
            Arrays.sort(last);
            System.out.printf(Locale.ROOT, "%s: first call %.1f GFLOP/s, %d calls in %d ms, median of the last fifth %.1f GFLOP/s%n", backend.description(), rates[0], calls,
                    WINDOW / 1_000_000, last[last.length / 2]);
        }
    }
}
