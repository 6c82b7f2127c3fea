package dev.jacquard.train;

import dev.jacquard.tensor.CallerException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Training losses of several runs over the same steps, beside the first one's: whether a change of precision, device or version changes how a network learns. A step's loss is
 * noisy, so each is smoothed by the mean of the last lines of its log.
 *
 * @param runs in the order given, the first being what the others are compared with
 */
public record RunComparison(List<Run> runs) {
    /**
     * A run and how it compares.
     *
     * @param name of its folder
     * @param steps of the lines compared
     * @param losses at them, as logged
     * @param smoothed at them
     * @param deviation largest {@code |smoothed / smoothed of the first run - 1|} at any of them at which a whole window is there
     * @param top1 best accuracy on the held-out pictures in percent; null if none was logged
     */
    public record Run(String name, long[] steps, double[] losses, double[] smoothed, double deviation, Double top1) {}

    /**
     * Reads the logs of runs.
     *
     * @param folders of two runs or more
     * @param window lines of the log in a mean, 1 or more
     * @throws CallerException if there are fewer, or if they have no step logged in common, or too few for a window
     */
    public static RunComparison of(List<Path> folders, int window) {
        List<List<RunLog.Line>> logs = folders.stream().map(f -> RunLog.lines(f.resolve("log.jsonl"))).toList();
        long[] common = logs.isEmpty() ? new long[0] : logs.getFirst().stream().filter(RunComparison::loss).mapToLong(RunLog.Line::step)
                .filter(step -> logs.stream().allMatch(log -> log.stream().anyMatch(l -> loss(l) && l.step() == step))).toArray();
        if (folders.size() < 2 || window < 1 || common.length < window) {
            throw new CallerException("compare", "nothing to compare", folders.size() + " runs with " + common.length + " logged steps in common, windows of " + window,
                    "two runs or more that logged the same steps, at least a window of them", "train both with the same --log-steps");
        }
        List<Run> runs = new ArrayList<>();
        for (int i = 0; i < folders.size(); i++) {
            List<RunLog.Line> log = logs.get(i);
            double[] losses = new double[common.length];
            for (int j = 0; j < common.length; j++) {
                long step = common[j];
                losses[j] = log.stream().filter(l -> loss(l) && l.step() == step).findFirst().orElseThrow().loss();
            }
            double[] smoothed = smooth(losses, window);
            Double top1 = log.stream().map(RunLog.Line::val_top1).filter(Objects::nonNull).max(Double::compare).orElse(null);
            double[] first = runs.isEmpty() ? smoothed : runs.getFirst().smoothed;
            runs.add(new Run(folders.get(i).getFileName().toString(), common, losses, smoothed, deviation(smoothed, first, window), top1));
        }
        return new RunComparison(List.copyOf(runs));
    }

    private static boolean loss(RunLog.Line l) {
        return l.event().equals("step") && l.loss() != null;
    }

    /** Means of the last {@code window} values, of fewer at the beginning. */
    private static double[] smooth(double[] values, int window) {
        return IntStream.range(0, values.length).mapToDouble(i -> IntStream.rangeClosed(Math.max(0, i - window + 1), i).mapToDouble(j -> values[j]).average()
                .orElseThrow()).toArray();
    }

    private static double deviation(double[] own, double[] first, int window) {
        return IntStream.range(window - 1, own.length).mapToDouble(i -> Math.abs(own[i] / first[i] - 1)).max().orElseThrow();
    }

    /** The smoothed losses as a picture, the single ones thin behind them: an SVG file's text. */
    public String svg(String title) {
        List<Chart.Line> lines = new ArrayList<>();
        for (int i = 0; i < runs.size(); i++) {
            Run r = runs.get(i);
            lines.add(new Chart.Line(r.name, Chart.kind(i), true, false, points(r.steps, r.losses)));
            lines.add(new Chart.Line(r.name, Chart.kind(i), false, false, points(r.steps, r.smoothed)));
        }
        return Chart.file(title, lines);
    }

    /** Writes the picture, atomically. */
    public void write(Path file, String title) {
        Json.write(file, svg(title));
    }

    private static List<Chart.Point> points(long[] steps, double[] values) {
        return IntStream.range(0, steps.length).mapToObj(i -> new Chart.Point(steps[i], values[i])).toList();
    }
}
