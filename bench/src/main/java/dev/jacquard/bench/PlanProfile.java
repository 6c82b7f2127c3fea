package dev.jacquard.bench;

import dev.jacquard.cli.Spread;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.op.Cost;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.train.NetworkRun;
import dev.jacquard.train.NetworkStep;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Where a network's step spends its time on a host: each launch timed by itself, median of some steps, added up by op and by shape. Arguments: {@code train|infer}, architecture,
 * batch, image size (0: the architecture's), device, threads, rounds.
 */
public final class PlanProfile {
    private PlanProfile() {}

    private record Row(String what, int calls, double ms, Cost cost) {
        Row plus(Row other) {
            return new Row(what, calls + other.calls, ms + other.ms, cost.plus(other.cost));
        }

        void print(PrintStream out, double total) {
            out.printf(Locale.ROOT, "%9.3f ms %5.1f %% %4d x %8.1f GFLOP/s %7.1f GB/s  %s%n", ms, 100 * ms / total, calls, cost.flops() / ms / 1e6, cost.bytes() / ms / 1e6, what);
        }
    }

    /** Prints the table. */
    public static void main(String[] args) {
        NetworkStep step = NetworkStep.of(args[0].equals("train") ? NetworkStep.Work.TRAIN : NetworkStep.Work.INFER, args[1], Integer.parseInt(args[2]),
                Integer.parseInt(args[3]), null);
        int rounds = args.length > 6 ? Integer.parseInt(args[6]) : 5;
        try (Backend backend = Backends.open(args[4], Integer.parseInt(args[5])); NetworkRun run = NetworkRun.of(step, backend)) {
            System.out.println(step + " on " + backend.description());
            print(run, rounds, System.out);
        }
    }

    private static void print(NetworkRun run, int rounds, PrintStream out) {
        List<Plan.Step> steps = run.plan().steps();
        long[][] nanos = new long[steps.size()][rounds];
        long[] whole = new long[rounds];
        long[] apart = new long[rounds];
        for (int i = 0; i < 3; i++) {
            run.enqueue();
        }
        for (int r = 0; r < rounds; r++) {
            for (int i = 0; i < steps.size(); i++) {
                long from = System.nanoTime();
                steps.get(i).launch().run();
                nanos[i][r] = System.nanoTime() - from;
                apart[r] += nanos[i][r];
            }
            long from = System.nanoTime();
            run.enqueue();
            whole[r] = System.nanoTime() - from;
        }
        Map<String, Row> byOp = new TreeMap<>();
        Map<String, Row> byShape = new TreeMap<>();
        for (int i = 0; i < steps.size(); i++) {
            Plan.Step s = steps.get(i);
            double ms = ms(nanos[i]);
            String shapes = s.op().name() + " " + s.inputs().stream().map(TensorType::toString).collect(Collectors.joining(" ")) + " "
                    + s.op().toString().replaceFirst("^[^\\[]*", "");
            byOp.merge(s.op().name(), new Row(s.op().name(), 1, ms, s.cost()), Row::plus);
            byShape.merge(shapes, new Row(shapes.length() > 260 ? shapes.substring(0, 260) : shapes, 1, ms, s.cost()), Row::plus);
        }
        double total = byOp.values().stream().mapToDouble(Row::ms).sum();
        out.printf(Locale.ROOT, "whole step %.2f ms, launches by themselves %.2f ms (sum of their medians %.2f), %.1f GFLOP/s%n", ms(whole), ms(apart), total,
                run.plan().graph().cost().flops() / ms(whole) / 1e6);
        for (Map<String, Row> rows : List.of(byOp, byShape)) {
            out.println();
            rows.values().stream().sorted(Comparator.comparingDouble(Row::ms).reversed()).limit(60).forEach(r -> r.print(out, total));
        }
    }

    private static double ms(long[] nanos) {
        return Spread.of(Arrays.stream(nanos).asDoubleStream().toArray()).median() / 1e6;
    }
}
