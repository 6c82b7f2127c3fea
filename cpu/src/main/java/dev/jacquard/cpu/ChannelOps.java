package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;

/**
 * Per-channel statistics and maps over dense (rows, channels): batch norm both ways, bias gradients. Channels' numbers are float32; the rows may be halves, whose blocks are
 * widened into a thread's scratch, used as often as need be and rounded once.
 *
 * <p>Rows are cut into blocks by the shape alone and their partial results combined in block order, so that results are
 * bitwise the same for every thread count. Variances come from squared distances to a mean of some of each block's rows, combined by
 * Chan, Golub and LeVeque's update (1979): no cancellation. What reads rows for a second time begins with those that were read last. Planned for one shape; not for two threads at
 * once.
 */
public final class ChannelOps {
    private static final int BLOCK_FLOATS = 32_768;
    private static final int CHANNEL_BLOCK = 128;
    /**
     * Rows of a block whose mean is its center. The variance's relative error is that of a float times the squared distance from center to mean, over the variance: no more than
     * the block's rows over these, as the rows themselves are among what varies.
     */
    private static final int SAMPLE = 8;
    /** Least size of a result that goes past the caches: most of the third level's. */
    private static final long STREAM_BYTES = 24 << 20;

    private final Workers workers;
    private final Simd simd;
    private final Simd streaming;
    private final DType type;
    private final long rows;
    private final int channels;
    private final int block;
    private final int blocks;
    private final Workers.Task statsTask = this::statsBlock;
    private final Workers.Task mergeStatsTask = this::mergeStats;
    private final Workers.Task sumsTask = this::sumsBlock;
    private final Workers.Task dotsTask = this::dotsBlock;
    private final Workers.Task mergeSumsTask = this::mergeSums;
    private final Workers.Task normalizeTask = this::normalizeBlock;
    private final Workers.Task backwardTask = this::backwardBlock;

    private long x;
    private long dy;
    private long mean;
    private long out1;
    private long out2;
    private long scale;
    private long shift;
    private long third;
    private long partial;
    private long scratch;
    private boolean relu;
    private boolean two;

    /** Plans for float32 x (rows, channels), rows at least 1. */
    public ChannelOps(long rows, int channels, Workers workers, Simd simd) {
        this(DType.F32, rows, channels, workers, simd);
    }

    /** Plans for x, dy, y and dx of a type, F32 or a half. */
    ChannelOps(DType type, long rows, int channels, Workers workers, Simd simd) {
        this.type = type;
        this.rows = rows;
        this.channels = channels;
        this.workers = workers;
        this.simd = simd;
        streaming = streaming(type, rows, channels, simd);
        block = Math.max(8, BLOCK_FLOATS / channels);
        blocks = Math.toIntExact((rows + block - 1) / block);
    }

    /** Scratch in bytes of the methods that take one. */
    public long workspaceBytes() {
        return partialBytes() + (type == DType.F32 ? 0 : 2 * blockBytes() * workers.size());
    }

    /** Loops for results of (rows, channels): past the caches if they are larger than those, and where they may. */
    static Simd streaming(DType type, long rows, int channels, Simd simd) {
        return type == DType.F32 && 4 * rows * channels >= STREAM_BYTES && channels % simd.lanes() == 0 ? simd.streaming() : simd;
    }

    /** Whether a result lies on whole vectors. */
    static boolean aligned(long result, Simd simd) {
        return (result & 4L * simd.lanes() - 1) == 0;
    }

    private void place(long workspace) {
        partial = workspace;
        scratch = workspace + partialBytes();
    }

    private long partialBytes() {
        return Raw.align(12L * channels * blocks);
    }

    private long blockBytes() {
        return Raw.align(4 * Math.min(rows, block) * channels);
    }

    /** A block's numbers in float32: where they lie, or widened in one of the worker's two scratch blocks. */
    private long wide(long from, int chunk, int worker, int slot) {
        return type == DType.F32 ? from + offset(chunk) : widened(from, chunk, worker, slot);
    }

    private long widened(long from, int chunk, int worker, int slot) {
        long to = scratch + (2L * worker + slot) * blockBytes();
        simd.widen(type, 1, rowsOf(chunk) * channels, from + offset(chunk), 0, to, 0);
        return to;
    }

    /** Rounds a block that was made where {@link #wide} said, if that is not its place. */
    private void narrow(long made, long to, int chunk) {
        if (type != DType.F32) {
            simd.narrow(type, 1, rowsOf(chunk) * channels, made, 0, to + offset(chunk), 0);
        }
    }

    private int rowsOf(int chunk) {
        return (int) Math.min(block, rows - (long) chunk * block);
    }

    private long offset(int chunk) {
        return (long) type.bytes() * chunk * block * channels;
    }

    private long first(int chunk) {
        return partial + 12L * chunk * channels;
    }

    private long second(int chunk) {
        return first(chunk) + 4L * channels;
    }

    private long third(int chunk) {
        return second(chunk) + 4L * channels;
    }

    private int channelChunks() {
        return Tiling.ceil(channels, CHANNEL_BLOCK);
    }

    /** Mean and biased variance of each channel. */
    public void stats(long x, long mean, long variance, long workspace) {
        this.x = x;
        out1 = mean;
        out2 = variance;
        place(workspace);
        workers.run(statsTask, blocks);
        workers.run(mergeStatsTask, channelChunks());
    }

    private void statsBlock(int chunk, int worker) {
        int count = rowsOf(chunk);
        long at = wide(x, chunk, worker, 0);
        int sample = Math.min(count, SAMPLE);
        simd.columnSums(sample, channels, at, 4L * channels, first(chunk));
        for (int c = 0; c < channels; c++) {
            Raw.set(first(chunk) + 4L * c, Raw.get(first(chunk) + 4L * c) / sample);
        }
        simd.columnMoments(count, channels, at, 4L * channels, first(chunk), third(chunk), second(chunk));
    }

    private void mergeStats(int chunk, int worker) {
        for (int c = chunk * CHANNEL_BLOCK; c < Math.min(channels, (chunk + 1) * CHANNEL_BLOCK); c++) {
            double seen = 0;
            double center = 0;
            double squares = 0;
            for (int i = 0; i < blocks; i++) {
                int count = rowsOf(i);
                // The center is near the block's mean, not there: the distance corrects both moments.
                double rest = Raw.get(third(i) + 4L * c);
                double delta = Raw.get(first(i) + 4L * c) + rest / count - center;
                double all = seen + count;
                center += delta * (count / all);
                squares += Raw.get(second(i) + 4L * c) - rest * rest / count + delta * delta * (seen * count / all);
                seen = all;
            }
            Raw.set(out1 + 4L * c, (float) center);
            Raw.set(out2 + 4L * c, (float) (squares / rows));
        }
    }

    /** out[c] = sum over rows of x[row, c]: the gradient of a bias. */
    public void sums(long x, long out, long workspace) {
        this.x = x;
        out1 = out;
        place(workspace);
        two = false;
        workers.run(sumsTask, blocks);
        workers.run(mergeSumsTask, channelChunks());
    }

    private void sumsBlock(int chunk, int worker) {
        simd.columnSums(rowsOf(chunk), channels, wide(x, chunk, worker, 0), 4L * channels, first(chunk));
    }

    private void mergeSums(int chunk, int worker) {
        int c = chunk * CHANNEL_BLOCK;
        int count = Math.min(CHANNEL_BLOCK, channels - c);
        simd.exactColumnSums(blocks, count, first(0) + 4L * c, 12L * channels, out1 + 4L * c);
        if (two) {
            simd.exactColumnSums(blocks, count, second(0) + 4L * c, 12L * channels, out2 + 4L * c);
        }
    }

    /** sum[c] = sum of dy[row, c], dot[c] = sum of dy[row, c] * (x[row, c] - mean[c]). */
    public void dots(long dy, long x, long mean, long sum, long dot, long workspace) {
        this.dy = dy;
        this.x = x;
        this.mean = mean;
        out1 = sum;
        out2 = dot;
        place(workspace);
        two = true;
        workers.run(dotsTask, blocks);
        workers.run(mergeSumsTask, channelChunks());
    }

    private void dotsBlock(int chunk, int worker) {
        simd.columnDots(rowsOf(chunk), channels, wide(dy, chunk, worker, 0), 4L * channels, wide(x, chunk, worker, 1), 4L * channels, mean, first(chunk), second(chunk));
    }

    /** y = (x - mean[c]) * scale[c] + shift[c], then max(y, 0) if relu. y may be x. Of halves, only after a method that takes a workspace. */
    public void normalize(long x, long mean, long scale, long shift, long y, boolean relu) {
        this.x = x;
        this.mean = mean;
        this.scale = scale;
        this.shift = shift;
        out1 = y;
        this.relu = relu;
        workers.run(normalizeTask, blocks);
    }

    private void normalizeBlock(int turn, int worker) {
        int chunk = blocks - 1 - turn;
        long from = wide(x, chunk, worker, 0);
        long to = type == DType.F32 ? out1 + offset(chunk) : from;
        (aligned(to, simd) ? streaming : simd).normalize(rowsOf(chunk), channels, from, mean, scale, shift, to, relu);
        narrow(to, out1, chunk);
    }

    /** y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, then relu if asked; mean and variance as {@link #stats} or the running ones. y may be x. */
    public void batchNorm(long x, long mean, long variance, long gamma, long beta, double epsilon, long y, boolean relu, long workspace) {
        place(workspace);
        for (int c = 0; c < channels; c++) {
            Raw.set(workspace + 4L * c, (float) (Raw.get(gamma + 4L * c) / Math.sqrt(Raw.get(variance + 4L * c) + epsilon)));
        }
        normalize(x, mean, workspace, beta, y, relu);
    }

    /**
     * Backward of training batch norm: dgamma and dbeta (channels), and dx unless its address is 0. dx may be dy.
     */
    public void batchNormBackward(long dy, long x, long mean, long variance, long gamma, double epsilon, long dx, long dgamma, long dbeta, long workspace) {
        dots(dy, x, mean, dbeta, dgamma, workspace);
        scale = workspace;
        shift = workspace + 4L * channels;
        third = workspace + 8L * channels;
        for (int c = 0; c < channels; c++) {
            double inverse = 1 / Math.sqrt(Raw.get(variance + 4L * c) + epsilon);
            double slope = Raw.get(dgamma + 4L * c) * inverse;
            double a = Raw.get(gamma + 4L * c) * inverse;
            Raw.set(scale + 4L * c, (float) a);
            Raw.set(shift + 4L * c, (float) (-a * inverse * slope / rows));
            Raw.set(third + 4L * c, (float) (-a * Raw.get(dbeta + 4L * c) / rows));
            Raw.set(dgamma + 4L * c, (float) slope);
        }
        if (dx != 0) {
            out1 = dx;
            workers.run(backwardTask, blocks);
        }
    }

    private void backwardBlock(int turn, int worker) {
        int chunk = blocks - 1 - turn;
        long from = wide(dy, chunk, worker, 0);
        long to = type == DType.F32 ? out1 + offset(chunk) : from;
        (aligned(to, simd) ? streaming : simd).normalizeBackward(rowsOf(chunk), channels, from, wide(x, chunk, worker, 1), mean, scale, to);
        narrow(to, out1, chunk);
    }
}
