package dev.jacquard.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;

/** {@code curves.html}: a log as pictures, in one file that needs no network and no script. */
public final class Curves {
    private static final String STYLE = Chart.COLOURS + Chart.STYLE + """
            body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 800px; margin: 32px auto; padding: 0 16px; }
            h1 { font-size: 22px; margin-bottom: 0; } h2 { font-size: 16px; margin: 28px 0 4px; } p { margin: 4px 0; color: var(--faint); }
            svg { width: 100%; height: auto; }
            .key { display: inline-block; width: 18px; height: 3px; vertical-align: middle; margin: 0 6px 0 14px; } .key.a { background: var(--a); } .key.b { background: var(--b); } .key.c { background: var(--c); }
            table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; } th, td { text-align: right; padding: 3px 8px; border-bottom: 1px solid var(--grid); }
            """;

    private Curves() {}

    /** Writes the page, atomically. @param title what ran @param log the run's log */
    public static void write(Path page, String title, Path log) {
        Json.write(page, html(title, RunLog.lines(log)));
    }

    static String html(String title, List<RunLog.Line> log) {
        List<RunLog.Line> steps = log.stream().filter(l -> l.event().equals("step")).toList();
        List<RunLog.Line> epochs = log.stream().filter(l -> l.event().equals("epoch")).toList();
        StringBuilder out = new StringBuilder("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
                + "content=\"width=device-width\">\n<title>")
                .append(Chart.escape(title)).append("</title>\n<style>\n").append(STYLE).append("</style>\n</head>\n<body>\n<h1>").append(Chart.escape(title)).append("</h1>\n<p>")
                .append(summary(log, epochs)).append("</p>\n");
        List<Chart.Point> loss = points(steps, RunLog.Line::loss);
        Chart.append(out, "Loss", "", List.of(new Chart.Line("training, each line of the log", "a", true, false, loss),
                new Chart.Line("training, smoothed", "a", false, false, smooth(loss)),
                new Chart.Line("held-out pictures", "b", false, true, points(epochs, RunLog.Line::val_loss)),
                new Chart.Line("averaged weights", "c", false, true, points(epochs, RunLog.Line::val_ema_loss))));
        Chart.append(out, "Accuracy on held-out pictures", " %", List.of(new Chart.Line("top-1", "a", false, true, points(epochs, RunLog.Line::val_top1)),
                new Chart.Line("top-5", "b", false, true, points(epochs, RunLog.Line::val_top5)),
                new Chart.Line("top-1 of averaged weights", "c", false, true, points(epochs, RunLog.Line::val_ema_top1))));
        Chart.append(out, "Learning rate", "", List.of(new Chart.Line("learning rate", "a", false, false, points(steps, RunLog.Line::lr))));
        List<Chart.Point> scale = points(steps, l -> l.loss_scale() == null ? null : Math.log(l.loss_scale()) / Math.log(2));
        if (!scale.isEmpty()) {
            Chart.append(out, "Loss scale, as a power of 2", "", List.of(new Chart.Line("exponent of the loss scale", "a", false, false, scale)));
        }
        table(out, epochs);
        return out.append("</body>\n</html>\n").toString();
    }

    private static String summary(List<RunLog.Line> log, List<RunLog.Line> epochs) {
        if (log.isEmpty()) {
            return "Nothing logged yet.";
        }
        RunLog.Line last = log.getLast();
        String text = String.format(Locale.ROOT, "%,d steps, epoch %d, %s of training", last.step(), last.epoch(), duration(last.time()));
        return epochs.stream().map(RunLog.Line::val_top1).filter(Objects::nonNull).max(Double::compare)
                .map(best -> text + String.format(Locale.ROOT, "; best top-1 %.2f %%", best)).orElse(text);
    }

    private static List<Chart.Point> points(List<RunLog.Line> lines, Function<RunLog.Line, Double> value) {
        List<Chart.Point> points = new ArrayList<>();
        for (RunLog.Line l : lines) {
            Double y = value.apply(l);
            if (y != null && Double.isFinite(y)) {
                points.add(new Chart.Point(l.step(), y));
            }
        }
        return points;
    }

    /** Exponential mean with the usual correction for its start. */
    private static List<Chart.Point> smooth(List<Chart.Point> points) {
        double keep = Math.exp(-1 / Math.max(points.size() / 40.0, 1));
        double sum = 0;
        double weight = 0;
        List<Chart.Point> smooth = new ArrayList<>();
        for (Chart.Point p : points) {
            sum = keep * sum + p.y();
            weight = keep * weight + 1;
            smooth.add(new Chart.Point(p.x(), sum / weight));
        }
        return smooth;
    }

    private static void table(StringBuilder out, List<RunLog.Line> epochs) {
        out.append("<h2>Epochs</h2>\n<table>\n<tr><th>epoch</th><th>step</th><th>train loss</th><th>val loss</th><th>top-1</th><th>top-5</th><th>top-1 "
                + "averaged</th><th>images/s</th><th>time</th></tr>\n");
        for (RunLog.Line e : epochs) {
            out.append(String.format(Locale.ROOT, "<tr><td>%d</td><td>%d</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>%n",
                    e.epoch(), e.step(),
                    cell(e.train_loss(), 4), cell(e.val_loss(), 4), cell(e.val_top1(), 2), cell(e.val_top5(), 2), cell(e.val_ema_top1(), 2), cell(e.images_per_second(), 0),
                    duration(e.time())));
        }
        out.append("</table>\n");
    }

    private static String cell(Double v, int digits) {
        return v == null ? "" : String.format(Locale.ROOT, "%." + digits + "f", v);
    }

    /** {@code 1 h 02 min}, {@code 3 min 05 s} or {@code 12 s}. */
    static String duration(double seconds) {
        long s = Math.round(seconds);
        return s >= 3600 ? String.format("%d h %02d min", s / 3600, s / 60 % 60) : s >= 60 ? String.format("%d min %02d s", s / 60, s % 60) : s + " s";
    }
}
