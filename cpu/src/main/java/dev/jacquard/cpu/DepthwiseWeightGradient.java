package dev.jacquard.cpu;

/**
 * Backward of weight of a depthwise convolution. Output rows are cut into splits by the shape alone; each split sums into
 * its own (taps, channels) and the splits are added in order, so that the thread count changes nothing.
 */
final class DepthwiseWeightGradient implements Conv {
    private static final int SPLITS = 32;

    private final ConvShape shape;
    private final Workers workers;
    private final Simd simd;
    private final TapAxis rows;
    private final TapAxis columns;
    private final int splits;
    private final int taps;
    private final long splitBytes;
    private final Workers.Task task = this::split;

    private long x;
    private long dy;
    private long workspace;

    DepthwiseWeightGradient(ConvShape shape, Workers workers, Simd simd) {
        this.shape = shape;
        this.workers = workers;
        this.simd = simd;
        GatherPlan plan = GatherPlan.forward(shape);
        rows = plan.rows()[0];
        columns = plan.columns()[0];
        splits = Math.min(SPLITS, shape.n() * shape.oh());
        taps = shape.r() * shape.s();
        splitBytes = Raw.align(4L * taps * shape.c());
    }

    @Override
    public long workspaceBytes() {
        return splits * splitBytes;
    }

    @Override
    public void run(long first, long second, long out, long scratch) {
        x = first;
        dy = second;
        workspace = scratch;
        workers.run(task, splits);
        long n = (long) taps * shape.c();
        for (int i = 1; i < splits; i++) {
            simd.addTo(scratch + i * splitBytes, scratch, n);
        }
        simd.transpose(taps, shape.c(), scratch, 4L * shape.c(), out, 4L * taps);
    }

    private void split(int chunk, int worker) {
        long sums = workspace + chunk * splitBytes;
        simd.fill(sums, (long) taps * shape.c(), 0);
        long all = (long) shape.n() * shape.oh();
        for (long row = all * chunk / splits; row < all * (chunk + 1) / splits; row++) {
            int n = (int) (row / shape.oh());
            int oh = (int) (row % shape.oh());
            for (int r = rows.low()[oh]; r < rows.high()[oh]; r++) {
                for (int s = 0; s < columns.taps().length; s++) {
                    tap(row, n, rows.at(oh, r), rows.taps()[r], s, sums);
                }
            }
        }
    }

    private void tap(long row, int n, int ih, int r, int s, long sums) {
        int first = 0;
        int last = shape.ow();
        while (first < last && columns.at(first, s) < 0) {
            first++;
        }
        while (last > first && columns.at(last - 1, s) < 0) {
            last--;
        }
        if (first < last) {
            int c = shape.c();
            long a = x + 4 * ((((long) n * shape.h() + ih) * shape.w() + columns.at(first, s)) * c);
            long b = dy + 4 * ((row * shape.ow() + first) * c);
            simd.columnProducts(last - first, c, a, 4L * shape.strideW() * c, b, 4L * c, sums + 4L * (r * shape.s() + columns.taps()[s]) * c);
        }
    }
}
