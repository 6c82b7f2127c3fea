package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Nonlinearity;

/**
 * Normalisation of float32 (rows, channels) with what follows it, in as few passes over memory as there can be: forward one for the statistics and one that does the rest; backward
 * one that sums and one
 * that applies, what was before the activation being computed again in both. The second pass goes through the blocks from the end, where the caches still hold what the first one
 * read last.
 *
 * <p>Rows are cut into blocks by the shape alone and partial results combined in order, as in {@link ChannelOps}. Planned for one shape; not for two threads at once.
 */
final class NormalizationPasses {
    private static final int BLOCK_FLOATS = 32_768;
    private static final int CHANNEL_BLOCK = 64;

    private final Workers workers;
    private final Simd simd;
    private final Simd streaming;
    private final ChannelOps statistics;
    private final Nonlinearity activation;
    private final long rows;
    private final int channels;
    private final int block;
    private final int blocks;
    private final Workers.Task normalizeTask = this::normalizeBlock;
    private final Workers.Task dotsTask = this::dotsBlock;
    private final Workers.Task mergeTask = this::merge;
    private final Workers.Task applyTask = this::applyBlock;

    private long x;
    private long dy;
    private long residual;
    private long mean;
    private long scale;
    private long shift;
    private long forward;
    private long factors;
    private long partial;
    private long scratch;
    private long out;
    private long gradient;
    private Forward given;
    private long dgamma;
    private long dbeta;

    /**
     * What the forward was given.
     *
     * @param x (rows, channels)
     * @param residual of x's shape, 0 for none
     */
    record Forward(long x, long gamma, long beta, long mean, long variance, double eps, long residual) {}

    NormalizationPasses(long rows, int channels, Nonlinearity activation, Workers workers, Simd simd) {
        this.rows = rows;
        this.channels = channels;
        this.activation = activation;
        this.workers = workers;
        this.simd = simd;
        streaming = ChannelOps.streaming(DType.F32, rows, channels, simd);
        statistics = new ChannelOps(rows, channels, workers, simd);
        block = Math.max(8, BLOCK_FLOATS / channels);
        blocks = Math.toIntExact((rows + block - 1) / block);
    }

    /** Loops that write a result where it is best written. */
    private Simd writing(long result) {
        return ChannelOps.aligned(result, simd) ? streaming : simd;
    }

    private long row() {
        return 4L * channels;
    }

    private long parameterBytes() {
        return Raw.align(6 * row());
    }

    private long blockBytes() {
        return Raw.align(Math.min(rows, block) * row());
    }

    /** Scratch in bytes, of each method. */
    long workspaceBytes() {
        return Math.max(statistics.workspaceBytes(), parameterBytes() + Raw.align(2 * row() * blocks) + blockBytes() * workers.size());
    }

    private void place(long workspace) {
        forward = workspace;
        factors = workspace + 3 * row();
        partial = workspace + parameterBytes();
        scratch = partial + Raw.align(2 * row() * blocks);
    }

    private int rowsOf(int chunk) {
        return (int) Math.min(block, rows - (long) chunk * block);
    }

    private long offset(int chunk) {
        return row() * chunk * block;
    }

    /** Mean and biased variance of each channel. */
    void statistics(long x, long mean, long variance, long workspace) {
        statistics.stats(x, mean, variance, workspace);
    }

    /** y = activation((x - mean) / sqrt(variance + eps) * gamma + beta + residual). y may be x. @param residual 0 for none */
    void normalize(long x, long mean, long variance, long gamma, long beta, double eps, long residual, long y, long workspace) {
        place(workspace);
        scales(variance, gamma, eps, workspace);
        apply(x, mean, workspace, beta, residual, y);
    }

    /** y = activation(x * scale + shift + residual). y may be x. @param residual 0 for none */
    void scaleShift(long x, long scale, long shift, long residual, long y, long workspace) {
        simd.fill(workspace, channels, 0);
        apply(x, workspace, scale, shift, residual, y);
    }

    private void scales(long variance, long gamma, double eps, long to) {
        for (long c = 0; c < row(); c += 4) {
            Raw.set(to + c, (float) (Raw.get(gamma + c) / Math.sqrt(Raw.get(variance + c) + eps)));
        }
    }

    private void apply(long x, long mean, long scale, long shift, long residual, long y) {
        this.x = x;
        this.mean = mean;
        this.scale = scale;
        this.shift = shift;
        this.residual = residual;
        out = y;
        workers.run(normalizeTask, blocks);
    }

    private void normalizeBlock(int chunk, int worker) {
        int b = blocks - 1 - chunk;
        long at = offset(b);
        writing(out).normalize(rowsOf(b), channels, x + at, mean, scale, shift, residual == 0 ? 0 : residual + at, activation, out + at);
    }

    /** Gradients from dy: dx, dgamma, dbeta and, if there is a residual, its gradient dr. dx may be dy. */
    void backward(Forward f, long dy, long dx, long dgamma, long dbeta, long dr, long workspace) {
        place(workspace);
        given = f;
        this.dgamma = dgamma;
        this.dbeta = dbeta;
        x = f.x;
        this.dy = dy;
        residual = f.residual;
        gradient = dr;
        out = dx;
        Raw.copy(f.mean, forward, row());
        scales(f.variance, f.gamma, f.eps, forward + row());
        Raw.copy(f.beta, forward + 2 * row(), row());
        workers.run(dotsTask, blocks);
        workers.run(mergeTask, Tiling.ceil(channels, CHANNEL_BLOCK));
        workers.run(applyTask, blocks);
    }

    /** The second half of {@link #backward}: dx from a gradient whose sums are known. dx may be the gradient. @param f without residual; beta is not read */
    void backwardBySums(Forward f, long g, long dgamma, long dbeta, long dx, long workspace) {
        place(workspace);
        given = f;
        x = f.x;
        dy = g;
        residual = 0;
        out = dx;
        Raw.copy(f.mean, forward, row());
        for (long c = 0; c < row(); c += 4) {
            factors(c, Raw.get(dgamma + c), Raw.get(dbeta + c));
        }
        workers.run(applyTask, blocks);
    }

    private void merge(int chunk, int worker) {
        long first = 4L * CHANNEL_BLOCK * chunk;
        int count = Math.min(CHANNEL_BLOCK, channels - CHANNEL_BLOCK * chunk);
        simd.exactColumnSums(blocks, count, partial + first, 2 * row(), dbeta + first);
        simd.exactColumnSums(blocks, count, partial + row() + first, 2 * row(), dgamma + first);
        for (long c = first; c < first + 4L * count; c += 4) {
            double sum = Raw.get(dbeta + c);
            double dot = Raw.get(dgamma + c);
            double inverse = 1 / Math.sqrt(Raw.get(given.variance + c) + given.eps);
            double slope = dot * inverse;
            factors(c, slope, sum);
            Raw.set(dgamma + c, (float) slope);
        }
    }

    /** What the second pass multiplies and adds. @param c offset of a channel */
    private void factors(long c, double slope, double sum) {
        double inverse = 1 / Math.sqrt(Raw.get(given.variance + c) + given.eps);
        double a = Raw.get(given.gamma + c) * inverse;
        Raw.set(factors + c, (float) a);
        Raw.set(factors + row() + c, (float) (-a * inverse * slope / rows));
        Raw.set(factors + 2 * row() + c, (float) (-a * sum / rows));
    }

    private void dotsBlock(int chunk, int worker) {
        long at = offset(chunk);
        long sums = partial + 2 * row() * chunk;
        long g = residual == 0 ? scratch + blockBytes() * worker : gradient + at;
        writing(gradient).activationDots(rowsOf(chunk), channels, dy + at, x + at, forward, residual == 0 ? 0 : residual + at, activation, g, sums, sums + row());
    }

    /** With a residual the gradient behind the activation has been written down: it is the residual's. */
    private void applyBlock(int chunk, int worker) {
        int b = blocks - 1 - chunk;
        long at = offset(b);
        if (residual == 0) {
            writing(out).activationBackward(rowsOf(b), channels, dy + at, x + at, forward, factors, activation, scratch + blockBytes() * worker, out + at);
        } else {
            writing(out).normalizeBackward(rowsOf(b), channels, gradient + at, x + at, forward, factors, out + at);
        }
    }
}
