package dev.jacquard.cpu;

import java.util.Arrays;
import java.util.Locale;

/**
 * Prints what a region of a team of two costs: empty, and with chunks of 20 microseconds, alone and while other processes want the cores; a main, not a test. Argument: how many
 * busy threads of other processes to start, 0 by default.
 */
public final class WorkersBench {
    private static final int REGIONS = 20_000;

    private static volatile double sink;

    private WorkersBench() {}

    /** Runs the table. */
    public static void main(String[] args) throws java.io.IOException {
        int rivals = args.length > 0 ? Integer.parseInt(args[0]) : 0;
        Process[] others = new Process[rivals];
        for (int i = 0; i < rivals; i++) {
            others[i] = new ProcessBuilder("sh", "-c", "while :; do :; done").start();
        }
        try (Workers workers = new Workers(2)) {
            System.out.println("rivals " + rivals);
            for (boolean held : new boolean[] {false, true, false, true}) {
                if (held) {
                    workers.hold();
                }
                empty(workers, held);
                busy(workers, held);
                if (held) {
                    workers.release();
                }
            }
        } finally {
            Arrays.stream(others).forEach(Process::destroyForcibly);
        }
    }

    private static void empty(Workers workers, boolean held) {
        Workers.Task nothing = (chunk, worker) -> {};
        for (int round = 0; round < 3; round++) {
            long[] ns = new long[REGIONS];
            for (int i = 0; i < REGIONS; i++) {
                long t = System.nanoTime();
                workers.run(nothing, 2);
                ns[i] = System.nanoTime() - t;
            }
            print("empty, 2 chunks", held, ns);
        }
    }

    private static void busy(Workers workers, boolean held) {
        Workers.Task work = (chunk, worker) -> spin(20_000);
        for (int round = 0; round < 2; round++) {
            long[] ns = new long[REGIONS / 20];
            for (int i = 0; i < ns.length; i++) {
                long t = System.nanoTime();
                workers.run(work, 20);
                ns[i] = System.nanoTime() - t;
            }
            print("20 chunks of 20 us", held, ns);
        }
    }

    private static void spin(long nanos) {
        long end = System.nanoTime() + nanos;
        double x = 1;
        while (System.nanoTime() < end) {
            x = x * 1.0000001 + 1e-9;
        }
        sink = x;
    }

    private static void print(String what, boolean held, long[] ns) {
        double mean = Arrays.stream(ns).average().orElseThrow();
        Arrays.sort(ns);
        System.out.printf(Locale.ROOT, "%-20s %-5s median %8.2f us, 99 %% %9.2f, most %10.2f, mean %9.2f%n", what, held ? "held" : "free", ns[ns.length / 2] / 1e3,
                ns[ns.length * 99 / 100] / 1e3, ns[ns.length - 1] / 1e3, mean / 1e3);
    }
}
