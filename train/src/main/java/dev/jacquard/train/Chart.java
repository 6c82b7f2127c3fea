package dev.jacquard.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Lines over steps, as SVG: in a page that has {@link #STYLE}, or as a file of its own. */
final class Chart {
    private static final int WIDTH = 760;
    private static final int HEIGHT = 280;
    private static final int LEFT = 56;
    private static final int RIGHT = 16;
    private static final int TOP = 14;
    private static final int BOTTOM = 40;
    /** Room above a file's lines, and of a name there. */
    private static final int LEGEND = 46;
    private static final int KEY = 150;
    /** More points than pixels only make the file large. */
    private static final int MOST_POINTS = 600;
    /** Of many values, the share that lies below those which may be outliers. */
    private static final double OUTLIERS = 0.9;
    private static final int MANY = 40;

    /** Of lines, dots and text. */
    static final String STYLE = """
            svg text { font: 12px system-ui, sans-serif; fill: var(--faint); }
            .grid { stroke: var(--grid); } .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; } .raw { fill: none; stroke-width: 1; opacity: .3; }
            .a { stroke: var(--a); } .b { stroke: var(--b); } .c { stroke: var(--c); } .d { stroke: var(--d); }
            .dot.a { fill: var(--a); } .dot.b { fill: var(--b); } .dot.c { fill: var(--c); } .dot.d { fill: var(--d); }
            """;
    /** Colours, light and dark. */
    static final String COLOURS = """
            :root { color-scheme: light dark; --ink: #1b1f24; --faint: #8a929b; --grid: #e3e6ea; --page: #ffffff; --a: #1f6feb; --b: #d1570a; --c: #2b8a3e; --d: #8250df; }
            @media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --faint: #8a929b; --grid: #2d333b; --page: #14171b; --a: #6cb0ff; --b: #ffa15c; --c: #6fd08c; --d: #c297ff; } }
            """;
    private static final Pattern COLOUR = Pattern.compile("(--\\w+): (#\\w+)");
    private static final String KINDS = "abcd";

    /** A value at a step. */
    record Point(double x, double y) {}

    /** A curve. @param kind colour class, a to d @param faint drawn thin, behind @param dots marked points */
    record Line(String label, String kind, boolean faint, boolean dots, List<Point> points) {}

    private Chart() {}

    /** Class of the n-th colour; they repeat. */
    static String kind(int n) {
        return KINDS.substring(n % KINDS.length(), n % KINDS.length() + 1);
    }

    /** A file that needs no page: background, title, legend and lines. */
    static String file(String title, List<Line> lines) {
        StringBuilder out = new StringBuilder(String.format(Locale.ROOT, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">%n<style>%n", WIDTH,
                HEIGHT + LEGEND));
        out.append(STYLE).append("</style>\n<rect width=\"100%\" height=\"100%\" fill=\"var(--page)\"/>\n")
                .append(String.format(Locale.ROOT, "<text x=\"%d\" y=\"20\" style=\"font-size: 15px; fill: var(--ink)\">%s</text>%n", LEFT, escape(title)));
        List<Line> named = lines.stream().filter(l -> !l.faint).toList();
        out.append(IntStream.range(0, named.size())
                .mapToObj(i -> String.format(Locale.ROOT, "<line class=\"line %s\" x1=\"%d\" x2=\"%d\" y1=\"36\" y2=\"36\"/><text x=\"%d\" y=\"40\">%s</text>%n",
                named.get(i).kind, LEFT + i * KEY, LEFT + i * KEY + 18, LEFT + i * KEY + 24, escape(named.get(i).label))).collect(Collectors.joining()));
        out.append(String.format(Locale.ROOT, "<g transform=\"translate(0 %d)\">%n", LEGEND));
        plot(out, "", lines, false);
        return light(out.append("</g>\n</svg>\n").toString());
    }

    /** With the light colours themselves: few viewers of pictures know variables. */
    private static String light(String text) {
        Matcher colour = COLOUR.matcher(COLOURS.lines().findFirst().orElseThrow());
        String done = text;
        while (colour.find()) {
            done = done.replace("var(" + colour.group(1) + ")", colour.group(2));
        }
        return done;
    }

    /** Appends a titled chart to a page. @param unit behind the numbers of the y axis */
    static void append(StringBuilder out, String title, String unit, List<Line> lines) {
        out.append("<h2>").append(title).append("</h2>\n<p>");
        lines.stream().filter(l -> !l.points.isEmpty()).forEach(l -> out.append(l.faint ? "" : "<span class=\"key " + l.kind + "\"></span>" + escape(l.label)));
        out.append("</p>\n");
        if (lines.stream().allMatch(l -> l.points.isEmpty())) {
            out.append("<p>No values yet.</p>\n");
            return;
        }
        out.append(String.format(Locale.ROOT, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">%n", WIDTH, HEIGHT, title));
        plot(out, unit, lines, true);
        out.append("</svg>\n");
    }

    /** @param fromZero whether the y axis begins at 0, or near the least value, to tell lines apart that are close */
    private static void plot(StringBuilder out, String unit, List<Line> lines, boolean fromZero) {
        List<Point> all = lines.stream().flatMap(l -> l.points.stream()).toList();
        double x1 = Math.max(all.stream().mapToDouble(Point::x).max().orElseThrow(), 1);
        double[] y = range(all, fromZero);
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

    /** From 0, or the least value, to the largest; a few that are far above all others are left at the upper edge, or the rest would be a flat line. */
    private static double[] range(List<Point> points, boolean fromZero) {
        double[] sorted = points.stream().mapToDouble(Point::y).sorted().toArray();
        double lo = fromZero ? Math.min(sorted[0], 0) : sorted[0];
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

    static String number(double v) {
        return Math.abs(v) >= 1000 ? String.format(Locale.ROOT, "%,d", Math.round(v)) : java.math.BigDecimal.valueOf(v).round(new java.math.MathContext(4)).stripTrailingZeros()
                .toPlainString();
    }

    static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
