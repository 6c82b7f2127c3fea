package dev.jacquard.data;

import java.util.Arrays;

/**
 * A filter along one axis of a picture: for each position of the result, the first pixel that is read, and the weights of so many pixels from there on,
 * alike in number for all, so that loops over them have no branch that a processor could guess wrong. Tables grow and are used again.
 */
final class ResampleAxis {
    /** Fractional bits of weights: 32, less 8 of the pixel, less 2 of headroom; Pillow's. */
    static final int PRECISION = 22;

    /** Index of the first pixel read, of the picture. */
    int[] start = new int[0];
    /** Index of the second, of two taps alone. */
    int[] second = new int[0];
    /** The second's share, of two taps alone. */
    float[] share = new float[0];
    /** (taps)(outputs or more), fixed point; zero where fewer pixels count. */
    int[][] weights = new int[0][];
    /** Pixels read for each output; those past the picture's end have weight zero. */
    int taps;
    /** The largest of {@link #start}, of more than two taps alone. */
    int last;

    private int[] count = new int[0];
    private int[] wide = new int[0]; // (outputs, most taps)
    private double[] exact = new double[0]; // (most taps)

    /**
     * What is resized along an axis. The picture may be a reduced one and show a part only; numbers are of the whole image where nothing else is said.
     *
     * @param crop      first pixel of the crop, less the first that the picture shows
     * @param length    pixels of the crop
     * @param reduction by how much the picture is smaller
     * @param out       pixels of the whole result
     * @param from      first of them that is wanted
     * @param outputs   how many are wanted
     */
    record Span(int crop, int length, int reduction, int out, int from, int outputs) {}

    /** Fills {@link #start}, {@link #weights} and {@link #taps}. @param mirrored whether outputs are in reverse order */
    void compute(Span s, Interpolation filter, boolean mirrored) {
        double crop = (double) s.crop / s.reduction;
        double length = (double) s.length / s.reduction;
        int base = (int) Math.floor(crop);
        double phase = crop - base;
        int in = (int) Math.ceil(phase + length);
        double scale = length / s.out;
        double stretch = filter.antialias ? Math.max(scale, 1) : 1;
        double support = filter.support * stretch;
        int most = (int) Math.ceil(support) * 2 + 1;
        reserve(s.outputs, most);
        taps = 1;
        last = Integer.MIN_VALUE;
        for (int i = 0; i < s.outputs; i++) {
            double center = phase + (s.from + i + 0.5) * scale;
            int first = (int) Math.floor(center - support + 0.5);
            int end = (int) (center + support + 0.5);
            int low = Math.max(first, 0);
            int high = Math.min(end, in);
            Arrays.fill(exact, 0, high - low, 0);
            double sum = 0;
            for (int k = first; k < end; k++) {
                boolean inside = k >= low && k < high;
                if (inside || !filter.antialias) { // Pillow leaves out what is outside, DALI repeats the border
                    double weight = filter.weight(Math.abs((k - center + 0.5) * (1 / stretch)));
                    exact[Math.clamp(k, low, high - 1) - low] += weight;
                    sum += weight;
                }
            }
            int at = mirrored ? s.outputs - 1 - i : i;
            start[at] = base + low;
            last = Math.max(last, start[at]);
            count[at] = high - low;
            taps = Math.max(taps, high - low);
            for (int k = 0; k < high - low; k++) {
                double weight = exact[k] / sum * (1 << PRECISION); // a product with 1 / sum would round differently
                wide[at * most + k] = (int) (weight < 0 ? weight - 0.5 : weight + 0.5);
            }
        }
        taps = Math.max(taps, 2); // loops begin with two
        pack(s.outputs, most);
    }

    private void pack(int outputs, int most) {
        if (weights.length < taps || weights[0].length < outputs) {
            weights = new int[taps][outputs];
        }
        for (int k = 0; k < taps; k++) {
            int[] row = weights[k];
            for (int i = 0; i < outputs; i++) {
                row[i] = k < count[i] ? wide[i * most + k] : 0;
            }
        }
    }

    /**
     * Fills {@link #start}, {@link #second} and {@link #share} for two taps.
     *
     * @param corners  whether coordinates are of pixels' corners
     * @param mirrored whether the crop is mirrored first, so that it is read from its end
     */
    void pairs(Span s, boolean corners, boolean mirrored) {
        reserve(s.outputs, 1);
        float scale = (float) s.length / s.out;
        int low = Math.max(Math.floorDiv(s.crop, s.reduction), 0);
        int high = Math.ceilDiv(s.crop + s.length, s.reduction) - 1;
        for (int i = 0; i < s.outputs; i++) {
            float at = corners ? (s.from + i) * scale : (s.from + i + 0.5f) * scale - 0.5f;
            if (s.reduction == 1) {
                float floor = (float) Math.floor(at);
                int a = Math.clamp((int) floor, 0, s.length - 1);
                int b = Math.clamp((int) floor + 1, 0, s.length - 1);
                start[i] = s.crop + (mirrored ? s.length - 1 - a : a);
                second[i] = s.crop + (mirrored ? s.length - 1 - b : b);
                share[i] = at - floor;
            } else {
                float whole = s.crop + (mirrored ? s.length - 1 - at : at);
                float reduced = (whole + 0.5f) / s.reduction - 0.5f;
                float floor = (float) Math.floor(reduced);
                start[i] = Math.clamp((int) floor, low, high);
                second[i] = Math.clamp((int) floor + 1, low, high);
                share[i] = reduced - floor;
            }
        }
    }

    private void reserve(int outputs, int most) {
        if (start.length < outputs) {
            start = new int[outputs];
            second = new int[outputs];
            share = new float[outputs];
            count = new int[outputs];
        }
        if (wide.length < outputs * most) {
            wide = new int[outputs * most];
        }
        if (exact.length < most) {
            exact = new double[most];
        }
    }
}
