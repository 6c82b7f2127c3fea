package dev.jacquard.cpu;

import java.util.Arrays;

/**
 * One axis of a convolution in gather form: which input position each output position reads through each kernel tap.
 *
 * <p>Covers one phase of the output axis: positions first, first + step, ... Forward has one phase; the backward of data
 * has one per residue of the stride, each with the taps that reach it, so that no multiplication by an inserted zero is
 * ever made. Taps are ordered so that input positions ascend; for each position those inside the input are an interval.
 *
 * @param first first output position of the phase
 * @param step from one output position of the phase to the next
 * @param count output positions of the phase
 * @param taps the kernel taps of this phase, those that lie outside for every position left out
 * @param in (count, taps) the input position, or -1 outside
 * @param low (count) first tap inside
 * @param high (count) one past the last tap inside; equal to low when none is
 */
public record TapAxis(int first, int step, int count, int[] taps, int[] in, int[] low, int[] high) {
    /** The single phase of the forward direction. */
    static TapAxis[] forward(int outputs, int inputs, int kernel, int stride, int pad, int dilation) {
        int[] taps = new int[kernel];
        int[][] in = new int[outputs][kernel];
        for (int t = 0; t < kernel; t++) {
            taps[t] = t;
            for (int o = 0; o < outputs; o++) {
                in[o][t] = o * stride - pad + t * dilation;
            }
        }
        return new TapAxis[] {of(0, 1, outputs, taps, in, inputs)};
    }

    /** The phases of the backward direction: "outputs" are positions of dx, "inputs" those of dy. */
    static TapAxis[] backward(int outputs, int inputs, int kernel, int stride, int pad, int dilation) {
        int phases = Math.min(stride, outputs);
        TapAxis[] axes = new TapAxis[phases];
        for (int phase = 0; phase < phases; phase++) {
            int count = (outputs - phase + stride - 1) / stride;
            int[] taps = new int[kernel];
            int used = 0;
            for (int t = kernel - 1; t >= 0; t--) {
                if (Math.floorMod(phase + pad - t * dilation, stride) == 0) {
                    taps[used++] = t;
                }
            }
            int[][] in = new int[count][used];
            for (int i = 0; i < count; i++) {
                for (int t = 0; t < used; t++) {
                    in[i][t] = Math.floorDiv(phase + i * stride + pad - taps[t] * dilation, stride);
                }
            }
            axes[phase] = of(phase, stride, count, Arrays.copyOf(taps, used), in, inputs);
        }
        return axes;
    }

    private static TapAxis of(int first, int step, int count, int[] taps, int[][] in, int inputs) {
        int kept = 0;
        int[] keep = new int[taps.length];
        for (int t = 0; t < taps.length; t++) {
            boolean used = false;
            for (int i = 0; i < count; i++) {
                used |= in[i][t] >= 0 && in[i][t] < inputs;
            }
            if (used) {
                keep[kept++] = t;
            }
        }
        int[] flat = new int[count * kept];
        int[] low = new int[count];
        int[] high = new int[count];
        int[] names = new int[kept];
        for (int t = 0; t < kept; t++) {
            names[t] = taps[keep[t]];
        }
        for (int i = 0; i < count; i++) {
            int lo = kept;
            int hi = 0;
            for (int t = 0; t < kept; t++) {
                int at = in[i][keep[t]];
                boolean inside = at >= 0 && at < inputs;
                flat[i * kept + t] = inside ? at : -1;
                if (inside) {
                    lo = Math.min(lo, t);
                    hi = t + 1;
                }
            }
            low[i] = Math.min(lo, hi);
            high[i] = hi;
        }
        return new TapAxis(first, step, count, names, flat, low, high);
    }

    /** Input position of output i through tap t, or -1. */
    public int at(int i, int t) {
        return in[i * taps.length + t];
    }

    boolean empty(int i) {
        return low[i] == high[i];
    }

    /** Whether consecutive taps read consecutive input positions. */
    boolean contiguous() {
        for (int i = 0; i < count; i++) {
            for (int t = low[i] + 1; t < high[i]; t++) {
                if (at(i, t) != at(i, t - 1) + 1) {
                    return false;
                }
            }
        }
        return true;
    }
}
