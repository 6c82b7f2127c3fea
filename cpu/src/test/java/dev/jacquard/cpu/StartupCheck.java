package dev.jacquard.cpu;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/**
 * Starts fresh JVMs and prints the speed each reaches, since whether HotSpot compiles the kernels well is decided anew in
 * each; a main, not a test. Argument: how many JVMs.
 */
public final class StartupCheck {
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
                    "-cp", System.getProperty("java.class.path"), StartupCheck.class.getName()).redirectError(ProcessBuilder.Redirect.DISCARD)
                    .redirectOutput(ProcessBuilder.Redirect.INHERIT).start().waitFor();
        }
    }

    private static void measure() {
        int n = 512;
        try (Workers workers = new Workers(1)) {
            Gemm gemm = new Gemm(Gemm.Spec.dense(n, n, n, false, false), workers, Kernels.get());
            long data = Arena.global().allocate(12L * n * n + gemm.workspaceBytes() + 256, 64).address();
            long matrix = 4L * n * n;
            long begin = System.nanoTime();
            double fast = Double.NaN;
            double rate = 0;
            for (int i = 0; System.nanoTime() - begin < 10_000_000_000L; i++) {
                long t = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
                gemm.run(data, data + matrix, data + 2 * matrix, data + 3 * matrix);
                rate = 2.0 * n * n * n / (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - t);
                if (Double.isNaN(fast) && rate > 80) {
                    fast = (System.nanoTime() - begin) / 1e9;
                }
            }
            System.out.printf(Locale.ROOT, "%6.1f GFLOP/s of one core at the end; above 80 after %.2f s%n", rate, fast);
        }
    }
}
