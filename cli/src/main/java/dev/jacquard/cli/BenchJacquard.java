package dev.jacquard.cli;

import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.train.NetworkRun;
import dev.jacquard.train.NetworkStep.Work;
import java.util.Arrays;

/** Our side of {@code jacquard bench}. */
final class BenchJacquard implements BenchContender {
    /** The first runs each op for itself, the second records the graph, the third replays it. */
    private static final int WARM_UP = 4;
    private static final int LEAST = 5;
    private static final int MOST = 2_000;

    private final NetworkRun run;
    private final boolean latency;

    BenchJacquard(BenchCase c, Backend backend) {
        run = NetworkRun.of(c.step(), backend);
        latency = c.work() == Work.INFER;
        for (int i = 0; i < WARM_UP; i++) {
            run.enqueue();
        }
        run.synchronize();
    }

    @Override
    public String name() {
        return "jacquard";
    }

    /** Training steps follow one another without being waited for; the time of all is divided by their number. */
    @Override
    public double[] time(double seconds) {
        long begin = System.nanoTime();
        run.enqueue();
        run.synchronize();
        double one = Math.max((System.nanoTime() - begin) / 1e9, 1e-6);
        int n = Math.clamp(Math.round(seconds / one), LEAST, MOST);
        double[] ms = new double[n];
        long start = System.nanoTime();
        for (int i = 0; i < n; i++) {
            long from = System.nanoTime();
            run.enqueue();
            if (latency) {
                run.synchronize();
                ms[i] = (System.nanoTime() - from) / 1e6;
            }
        }
        if (!latency) {
            run.synchronize();
            Arrays.fill(ms, (System.nanoTime() - start) / 1e6 / n);
        }
        return ms;
    }

    @Override
    public long memoryBytes() {
        return run.memoryBytes();
    }

    @Override
    public void close() {
        run.close();
    }
}
