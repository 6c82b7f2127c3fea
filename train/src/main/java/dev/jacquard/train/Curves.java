package dev.jacquard.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;

/** {@code curves.html}: a log as pictures, in one file that needs no network and no script. */
public final class Curves {
    private static final int WIDTH = 760;
    private static final int HEIGHT = 280;
    private static final int LEFT = 56;
    private static final int RIGHT = 16;
    private static final int TOP = 14;
    private static final int BOTTOM = 40;
    /** More points than pixels only make the file large. */
    private static final int MOST_POINTS = 600;
    /** Of many values, the share that lies below those which may be outliers. */
    private static final double OUTLIERS = 0.9;
    private static final int MANY = 40;

    private static final String STYLE = """
            :root { color-scheme: light dark; --ink: #1b1f24; --faint: #8a929b; --grid: #e3e6ea; --page: #ffffff; --a: #1f6feb; --b: #d1570a; --c: #2b8a3e; }
            @media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --faint: #8a929b; --grid: #2d333b; --page: #14171b; --a: #6cb0ff; --b: #ffa15c; --c: #6fd08c; } }
            body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 800px; margin: 32px auto; padding: 0 16px; }
            h1 { font-size: 22px; margin-bottom: 0; } h2 { font-size: 16px; margin: 28px 0 4px; } p { margin: 4px 0; color: var(--faint); }
            svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: var(--faint); }
            .grid { stroke: var(--grid); } .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; } .raw { fill: none; stroke-width: 1; opacity: .3; }
            .a { stroke: var(--a); } .b { stroke: var(--b); } .c { stroke: var(--c); } .dot.a { fill: var(--a); } .dot.b { fill: var(--b); } .dot.c { fill: var(--c); }
            .key { display: inline-block; width: 18px; height: 3px; vertical-align: middle; margin: 0 6px 0 14px; } .key.a { background: var(--a); } .key.b { background: var(--b); } .key.c { background: var(--c); }
            table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; } th, td { text-align: right; padding: 3px 8px; border-bottom: 1px solid var(--grid); }
            """;

    private record Point(double x, double y) {}

    /** A curve. @param kind colour class @param faint drawn thin, behind @param dots marked points */
    private record Line(String label, String kind, boolean faint, boolean dots, List<Point> points) {}

    private Curves() {}

    /** Writes the page, atomically. @param title what ran @param log the run's log */
    public static void write(Path page, String title, Path log) {
        Json.write(page, html(title, RunLog.lines(log)));
    }

    static String html(String title, List<RunLog.Line> log) {
        List<RunLog.Line> steps = log.stream().filter(l -> l.event().equals("step")).toList();
        List<RunLog.Line> epochs = log.stream().filter(l -> l.event().equals("epoch")).toList();
        StringBuilder out = new StringBuilder("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>")
                .append(escape(title)).append("</title>\n<style>\n").append(STYLE).append("</style>\n</head>\n<body>\n<h1>").append(escape(title)).append("</h1>\n<p>")
                .append(summary(log, epochs)).append("</p>\n");
        List<Point> loss = points(steps, RunLog.Line::loss);
        chart(out, "Loss", "", List.of(new Line("training, each line of the log", "a", true, false, loss), new Line("training, smoothed", "a", false, false, smooth(loss)),
                new Line("held-out pictures", "b", false, true, points(epochs, RunLog.Line::val_loss)), new Line("averaged weights", "c", false, true, points(epochs, RunLog.Line::val_ema_loss))));
        chart(out, "Accuracy on held-out pictures", " %", List.of(new Line("top-1", "a", false, true, points(epochs, RunLog.Line::val_top1)),
                new Line("top-5", "b", false, true, points(epochs, RunLog.Line::val_top5)), new Line("top-1 of averaged weights", "c", false, true, points(epochs, RunLog.Line::val_ema_top1))));
        chart(out, "Learning rate", "", List.of(new Line("learning rate", "a", false, false, points(steps, RunLog.Line::lr))));
        List<Point> scale = points(steps, l -> l.loss_scale() == null ? null : Math.log(l.loss_scale()) / Math.log(2));
        if (!scale.isEmpty()) {
            chart(out, "Loss scale, as a power of 2", "", List.of(new Line("exponent of the loss scale", "a", false, false, scale)));
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

    private static List<Point> points(List<RunLog.Line> lines, Function<RunLog.Line, Double> value) {
        List<Point> points = new ArrayList<>();
        for (RunLog.Line l : lines) {
            Double y = value.apply(l);
            if (y != null && Double.isFinite(y)) {
                points.add(new Point(l.step(), y));
            }
        }
        return points;
    }

    /** Exponential mean with the usual correction for its start. */
    private static List<Point> smooth(List<Point> points) {
        double keep = Math.exp(-1 / Math.max(points.size() / 40.0, 1));
        double sum = 0;
        double weight = 0;
        List<Point> smooth = new ArrayList<>();
        for (Point p : points) {
            sum = keep * sum + p.y;
            weight = keep * weight + 1;
            smooth.add(new Point(p.x, sum / weight));
        }
        return smooth;
    }

    private static void chart(StringBuilder out, String title, String unit, List<Line> lines) {
        List<Point> all = lines.stream().flatMap(l -> l.points.stream()).toList();
        out.append("<h2>").append(title).append("</h2>\n<p>");
        lines.stream().filter(l -> !l.points.isEmpty()).forEach(l -> out.append(l.faint ? "" : "<span class=\"key " + l.kind + "\"></span>" + escape(l.label)));
        out.append("</p>\n");
        if (all.isEmpty()) {
            out.append("<p>No values yet.</p>\n");
            return;
        }
        double x1 = Math.max(all.stream().mapToDouble(Point::x).max().orElseThrow(), 1);
        double[] y = range(all);
        out.append(String.format(Locale.ROOT, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">%n", WIDTH, HEIGHT, title));
        for (double t : ticks(y[0], y[1])) {
            double at = y(t, y);
            out.append(String.format(Locale.ROOT, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>%n",
                    LEFT, WIDTH - RIGHT, at, at, LEFT - 8, at + 4, number(t) + unit));
        }
        for (double t : ticks(0, x1)) {
            out.append(String.format(Locale.ROOT, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>%n", x(t, x1), HEIGHT - BOTTOM + 18, number(t)));
        }
        out.append(String.format(Locale.ROOT, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">step</text>%n", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4));
        lines.forEach(l -> draw(out, l, x1, y));
        out.append("</svg>\n");
    }

    private static void draw(StringBuilder out, Line line, double x1, double[] y) {
        List<Point> points = thin(line.points);
        StringBuilder path = new StringBuilder();
        for (Point p : points) {
            path.append(path.isEmpty() ? "" : " ").append(String.format(Locale.ROOT, "%.1f,%.1f", x(p.x, x1), y(p.y, y)));
        }
        if (points.size() > 1) {
            out.append(String.format("<polyline class=\"%s %s\" points=\"%s\"/>%n", line.faint ? "raw" : "line", line.kind, path));
        }
        if (line.dots || points.size() == 1) {
            for (Point p : points) {
                out.append(String.format(Locale.ROOT, "<circle class=\"dot %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>step %s: %s</title></circle>%n",
                        line.kind, x(p.x, x1), y(p.y, y), number(p.x), number(p.y)));
            }
        }
    }

    private static List<Point> thin(List<Point> points) {
        int every = Math.ceilDiv(points.size(), MOST_POINTS);
        List<Point> kept = new ArrayList<>();
        for (int i = 0; i < points.size(); i++) {
            if (i % Math.max(every, 1) == 0 || i == points.size() - 1) {
                kept.add(points.get(i));
            }
        }
        return kept;
    }

    /** From 0 to the largest value; a few that are far above all others are left at the upper edge, or the rest would be a flat line. */
    private static double[] range(List<Point> points) {
        double[] sorted = points.stream().mapToDouble(Point::y).sorted().toArray();
        double lo = Math.min(sorted[0], 0);
        double most = sorted[(int) (OUTLIERS * (sorted.length - 1))];
        double hi = sorted.length >= MANY && most > lo && sorted[sorted.length - 1] > 2 * most ? 1.2 * most : sorted[sorted.length - 1];
        return new double[] {lo, hi > lo ? lo + (hi - lo) * 1.05 : lo + 1};
    }

    private static double x(double v, double x1) {
        return LEFT + v / x1 * (WIDTH - LEFT - RIGHT);
    }

    private static double y(double v, double[] y) {
        return TOP + Math.max(y[1] - v, 0) / (y[1] - y[0]) * (HEIGHT - TOP - BOTTOM);
    }

    /** Round numbers, about five of them. */
    private static List<Double> ticks(double lo, double hi) {
        double raw = (hi - lo) / 5;
        double power = Math.pow(10, Math.floor(Math.log10(raw)));
        double unit = raw / power;
        double step = power * (unit < 1.5 ? 1 : unit < 3 ? 2 : unit < 7 ? 5 : 10);
        List<Double> ticks = new ArrayList<>();
        for (long i = (long) Math.ceil(lo / step); i * step <= hi; i++) {
            ticks.add(i * step);
        }
        return ticks;
    }

    private static void table(StringBuilder out, List<RunLog.Line> epochs) {
        out.append("<h2>Epochs</h2>\n<table>\n<tr><th>epoch</th><th>step</th><th>train loss</th><th>val loss</th><th>top-1</th><th>top-5</th><th>top-1 averaged</th><th>images/s</th><th>time</th></tr>\n");
        for (RunLog.Line e : epochs) {
            out.append(String.format(Locale.ROOT, "<tr><td>%d</td><td>%d</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>%n", e.epoch(), e.step(),
                    cell(e.train_loss(), 4), cell(e.val_loss(), 4), cell(e.val_top1(), 2), cell(e.val_top5(), 2), cell(e.val_ema_top1(), 2), cell(e.images_per_second(), 0), duration(e.time())));
        }
        out.append("</table>\n");
    }

    private static String cell(Double v, int digits) {
        return v == null ? "" : String.format(Locale.ROOT, "%." + digits + "f", v);
    }

    private static String number(double v) {
        return Math.abs(v) >= 1000 ? String.format(Locale.ROOT, "%,d", Math.round(v)) : java.math.BigDecimal.valueOf(v).round(new java.math.MathContext(4)).stripTrailingZeros().toPlainString();
    }

    /** {@code 1 h 02 min}, {@code 3 min 05 s} or {@code 12 s}. */
    static String duration(double seconds) {
        long s = Math.round(seconds);
        return s >= 3600 ? String.format("%d h %02d min", s / 3600, s / 60 % 60) : s >= 60 ? String.format("%d min %02d s", s / 60, s % 60) : s + " s";
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
