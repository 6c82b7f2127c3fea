package dev.jacquard.cpu;

/**
 * Depthwise convolution and pooling, forward and backward of data: each output pixel is made, all channels at once, from
 * the pixels that its taps reach. A table of their addresses is laid out per pixel and handed to one kernel.
 */
final class Windowed implements Conv {
    /** What is done with the pixels of a window. */
    enum Kind {
        /** Sum of pixel * weight row. */
        DEPTHWISE,
        /** Sum of pixel * weight, weights per input or output pixel. */
        AVERAGE,
        /** Largest pixel and its tap. */
        MAX,
        /** Sum of the pixels whose recorded tap is the one that leads here. */
        MAX_BACKWARD
    }

    private static final int CHUNK_FLOATS = 16_384;

    private final GatherPlan plan;
    private final Kind kind;
    private final Workers workers;
    private final Simd simd;
    private final float[] scale;
    private final boolean scalesDiffer;
    private final int rowsAtOnce;
    private final int chunks;
    private final long weightBytes;
    private final long partBytes;
    private final Workers.Task task = this::rows;

    private long from;
    private long second;
    private long to;
    private long index;
    private long workspace;

    /**
     * Plans a pass.
     *
     * @param scale of an average: factor by output position (OH, OW) in the forward sense; null otherwise
     */
    Windowed(GatherPlan plan, Kind kind, float[] scale, Workers workers, Simd simd) {
        this.plan = plan;
        this.kind = kind;
        this.scale = scale;
        scalesDiffer = scale != null && differ(scale);
        this.workers = workers;
        this.simd = simd;
        rowsAtOnce = Math.max(1, CHUNK_FLOATS / Math.max(1, plan.outW() * plan.outC()));
        chunks = Tiling.ceil(plan.n() * plan.outH(), rowsAtOnce);
        weightBytes = kind == Kind.DEPTHWISE ? Raw.align(4L * plan.r() * plan.s() * plan.outC()) : 0;
        partBytes = Raw.align((long) Simd.TAP_BYTES * plan.r() * plan.s());
    }

    private static boolean differ(float[] values) {
        for (float v : values) {
            if (v != values[0]) {
                return true;
            }
        }
        return false;
    }

    @Override
    public long workspaceBytes() {
        return weightBytes + workers.size() * partBytes;
    }

    /** Depthwise: (in, w, out). Average: second is ignored. Max: second receives tap numbers (int). Its backward: (dy, tap numbers, dx). */
    @Override
    public void run(long first, long other, long out, long scratch) {
        from = first;
        second = other;
        to = out;
        index = other;
        workspace = scratch;
        if (kind == Kind.DEPTHWISE) {
            int taps = plan.r() * plan.s();
            simd.transpose(plan.outC(), taps, other, 4L * taps, scratch, 4L * plan.outC());
            second = scratch;
        }
        workers.run(task, chunks);
    }

    private void rows(int chunk, int worker) {
        long table = workspace + weightBytes + worker * partBytes;
        int end = Math.min(plan.n() * plan.outH(), (chunk + 1) * rowsAtOnce);
        for (int row = chunk * rowsAtOnce; row < end; row++) {
            int n = row / plan.outH();
            int h = row % plan.outH();
            TapAxis vertical = plan.rows()[h % plan.rows().length];
            int i = h / plan.rows().length;
            for (TapAxis horizontal : plan.columns()) {
                for (int j = 0; j < horizontal.count();) {
                    int pixels = run(horizontal, j);
                    int w = horizontal.first() + j * horizontal.step();
                    int taps = lay(table, vertical, i, horizontal, j, n, h * plan.outW() + w);
                    long step = pixels == 1 || horizontal.empty(j) ? 0
                            : 4L * plan.inC() * (horizontal.at(j + 1, horizontal.low()[j]) - horizontal.at(j, horizontal.low()[j]));
                    pixels(table, taps, pixels, step, ((long) row * plan.outW() + w) * plan.outC() * 4, 4L * plan.outC() * horizontal.step());
                    j += pixels;
                }
            }
        }
    }

    /** Output columns from j on that reach the same taps. */
    private int run(TapAxis axis, int j) {
        int end = j + 1;
        while (!scalesDiffer && end < axis.count() && axis.low()[end] == axis.low()[j] && axis.high()[end] == axis.high()[j]) {
            end++;
        }
        return end - j;
    }

    private int lay(long table, TapAxis vertical, int i, TapAxis horizontal, int j, int n, int outAt) {
        int taps = 0;
        int across = horizontal.taps().length;
        for (int r = vertical.low()[i]; r < vertical.high()[i]; r++) {
            int ih = vertical.at(i, r);
            if (ih < 0) {
                continue;
            }
            for (int s = horizontal.low()[j]; s < horizontal.high()[j]; s++) {
                int iw = horizontal.in()[j * across + s];
                if (iw < 0) {
                    continue;
                }
                int tap = vertical.taps()[r] * plan.s() + horizontal.taps()[s];
                long pixel = 4L * ((((long) n * plan.inH() + ih) * plan.inW() + iw) * plan.inC());
                long entry = table + (long) taps++ * Simd.TAP_BYTES;
                Raw.setLong(entry, from + pixel);
                switch (kind) {
                    case DEPTHWISE -> Raw.setLong(entry + 8, second + 4L * tap * plan.outC());
                    case AVERAGE -> Raw.set(entry + 16, scale[plan.backward() ? ih * plan.inW() + iw : outAt]);
                    case MAX -> Raw.setInt(entry + 16, tap);
                    case MAX_BACKWARD -> {
                        Raw.setLong(entry + 8, second + pixel);
                        Raw.setInt(entry + 16, tap);
                    }
                }
            }
        }
        return taps;
    }

    private void pixels(long table, int taps, int pixels, long step, long at, long outStep) {
        int c = plan.outC();
        switch (kind) {
            case DEPTHWISE -> simd.windowProducts(taps, table, pixels, step, c, to + at, outStep);
            case AVERAGE -> simd.windowSum(taps, table, pixels, step, c, to + at, outStep);
            case MAX_BACKWARD -> simd.windowRoute(taps, table, pixels, step, c, to + at, outStep);
            case MAX -> {
                if (taps > 0) {
                    simd.windowMax(taps, table, pixels, step, c, to + at, index + at, outStep);
                } else {
                    for (int i = 0; i < pixels; i++) {
                        simd.fill(to + at + i * outStep, c, Float.NEGATIVE_INFINITY);
                        simd.fill(index + at + i * outStep, c, Float.intBitsToFloat(-1));
                    }
                }
            }
        }
    }
}
