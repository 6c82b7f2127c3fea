package dev.jacquard.cpu;

/**
 * What forward and the backward of data have in common: out[position] = sum over taps of in[tap(position)] * B[tap].
 *
 * @param n images
 * @param inH rows of the input that is gathered from (x, or dy)
 * @param inW its columns
 * @param inC its channels, all groups
 * @param outH rows of the output (y, or dx)
 * @param outW its columns
 * @param outC its channels, all groups
 * @param groups channel groups
 * @param r kernel rows
 * @param s kernel columns
 * @param rows phases of the row axis
 * @param columns phases of the column axis
 * @param backward whether B is w as it lies (in = K, out = C) rather than its transpose
 */
public record GatherPlan(int n, int inH, int inW, int inC, int outH, int outW, int outC, int groups, int r, int s,
        TapAxis[] rows, TapAxis[] columns, boolean backward) {
    /** y from x. */
    public static GatherPlan forward(ConvShape v) {
        return new GatherPlan(v.n(), v.h(), v.w(), v.c(), v.oh(), v.ow(), v.k(), v.groups(), v.r(), v.s(),
                TapAxis.forward(v.oh(), v.h(), v.r(), v.strideH(), v.padTop(), v.dilationH()),
                TapAxis.forward(v.ow(), v.w(), v.s(), v.strideW(), v.padLeft(), v.dilationW()), false);
    }

    /** dx from dy. */
    public static GatherPlan backwardData(ConvShape v) {
        return new GatherPlan(v.n(), v.oh(), v.ow(), v.k(), v.h(), v.w(), v.c(), v.groups(), v.r(), v.s(),
                TapAxis.backward(v.h(), v.oh(), v.r(), v.strideH(), v.padTop(), v.dilationH()),
                TapAxis.backward(v.w(), v.ow(), v.s(), v.strideW(), v.padLeft(), v.dilationW()), true);
    }

    /** Channels of one group that a tap reads. */
    public int groupIn() {
        return inC / groups;
    }

    /** Channels of one group that are written. */
    public int groupOut() {
        return outC / groups;
    }

    /** Taps used over all phases; each tap belongs to at most one. */
    public int taps() {
        int count = 0;
        for (TapAxis row : rows) {
            for (TapAxis column : columns) {
                count += row.taps().length * column.taps().length;
            }
        }
        return count;
    }

    /** A 1 x 1 kernel that neither skips nor pads: the input itself is the matrix A. */
    public boolean pointwise() {
        return taps() == 1 && rows.length == 1 && columns.length == 1 && inH == outH && inW == outW && identity(rows[0]) && identity(columns[0]);
    }

    private static boolean identity(TapAxis axis) {
        for (int i = 0; i < axis.count(); i++) {
            if (axis.at(i, 0) != i) {
                return false;
            }
        }
        return true;
    }

    /** Multiply-adds that touch the input, as a share of those of the zero-padded form. */
    public double usefulShare() {
        double useful = 0;
        double all = 0;
        for (TapAxis row : rows) {
            for (TapAxis column : columns) {
                useful += (double) inside(row) * inside(column);
                all += (double) row.count() * row.taps().length * column.count() * column.taps().length;
            }
        }
        return all == 0 ? 1 : useful / all;
    }

    private static long inside(TapAxis axis) {
        long sum = 0;
        for (int i = 0; i < axis.count(); i++) {
            sum += axis.high()[i] - axis.low()[i];
        }
        return sum;
    }
}
