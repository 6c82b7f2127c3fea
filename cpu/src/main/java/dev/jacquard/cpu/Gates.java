package dev.jacquard.cpu;

import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Pointwise;

/**
 * Squeeze and excitation of float32 images (N, pixels, C), both ways. Images are cut into blocks of pixels: one pass sums over them, the two small layers are computed image by
 * image, another pass multiplies, through the blocks from the end, where the caches still hold what was read last.
 *
 * <p>Cuts follow from the shape alone, and partial sums are combined in order. Planned for one shape; not for two threads at once.
 */
final class Gates {
    private static final int BLOCK_FLOATS = 32_768;

    /** Into how many parts the layers of few images are cut, and the weights of a layer from which on that is worth its cost. */
    private static final int PARTS = 4;
    private static final long APART = 8_192;

    private final Workers workers;
    private final Simd simd;
    private final int n;
    private final int pixels;
    private final int c;
    private final int s;
    private final int block;
    private final int blocks;
    private final int parts;
    private final PointwiseLoop activation;
    private final PointwiseLoop slope;
    private final PointwiseLoop sigmoid;
    private final PointwiseLoop sigmoidSlope;
    private final Workers.Task sumTask = this::sum;
    private final Workers.Task productTask = this::product;
    private final Workers.Task gateTask = this::gate;
    private final Workers.Task firstTask = this::firstPart;
    private final Workers.Task secondTask = this::secondPart;
    private final Workers.Task backTask = this::back;
    private final Workers.Task scaleTask = this::scale;
    private final Workers.Task weightTask = this::weight;

    private long x;
    private long dy;
    private long w1;
    private long b1;
    private long w2;
    private long b2;
    private long means;
    private long hidden;
    private long gate;
    private long shift;
    private long residual;
    private Nonlinearity last;
    private long y;
    private long dw1;
    private long dw2;
    private long partial;
    private long zeros;
    private long active;
    private long d1;
    private long d2;
    private long dmeans;
    private long tables;
    private long copies;

    /** @param s units between the layers, at least 1 @param activation what follows the first layer */
    Gates(int n, int pixels, int c, int s, Nonlinearity activation, Workers workers, Simd simd) {
        this.n = n;
        this.pixels = pixels;
        this.c = c;
        this.s = s;
        this.workers = workers;
        this.simd = simd;
        this.activation = switch (activation) {
            case NONE -> null;
            case RELU -> PointwiseLoop.of(new Pointwise.Relu(), simd);
            case SILU -> PointwiseLoop.of(new Pointwise.Silu(), simd);
        };
        slope = switch (activation) {
            case NONE -> null;
            case RELU -> PointwiseLoop.of(new Pointwise.ReluBackward(), simd);
            case SILU -> PointwiseLoop.of(new Pointwise.SiluBackward(), simd);
        };
        sigmoid = PointwiseLoop.of(new Pointwise.Sigmoid(), simd);
        sigmoidSlope = PointwiseLoop.of(new Pointwise.SigmoidBackward(), simd);
        // Blocks as equal as can be, an even number of them, for teams of two.
        int most = Tiling.ceil(pixels, Math.max(8, BLOCK_FLOATS / c));
        block = Tiling.ceil(pixels, most > 1 ? most + most % 2 : 1);
        blocks = Tiling.ceil(pixels, block);
        parts = n < PARTS && (long) c * s >= APART ? PARTS : 1;
    }

    private long row() {
        return 4L * c;
    }

    private long tableBytes() {
        return Raw.align((long) Simd.TAP_BYTES * Math.max(n, Math.max(c, s)));
    }

    /** Scratch in bytes, of each method. */
    long workspaceBytes() {
        return place(0);
    }

    private long place(long workspace) {
        partial = workspace;
        zeros = partial + Raw.align(row() * n * blocks);
        active = zeros + Raw.align(row());
        d1 = active + Raw.align(4L * n * s);
        d2 = d1 + Raw.align(4L * n * s);
        dmeans = d2 + Raw.align(row() * n);
        tables = dmeans + Raw.align(row() * n);
        copies = tables + tableBytes() * workers.size();
        return copies + Raw.align(row() * workers.size()) - workspace;
    }

    private int rowsOf(int chunk) {
        return Math.min(block, pixels - chunk % blocks * block);
    }

    private long offset(int chunk) {
        return row() * ((long) chunk / blocks * pixels + (long) (chunk % blocks) * block);
    }

    /** The gates of images: means (N, C), hidden (N, S), the first layer before its activation, and gate (N, C). */
    void gates(long x, long w1, long b1, long w2, long b2, long means, long hidden, long gate, long workspace) {
        place(workspace);
        this.x = x;
        this.w1 = w1;
        this.b1 = b1;
        this.w2 = w2;
        this.b2 = b2;
        this.means = means;
        this.hidden = hidden;
        this.gate = gate;
        workers.run(sumTask, n * blocks);
        if (parts == 1) {
            workers.run(gateTask, n);
        } else {
            workers.run(firstTask, n * parts);
            workers.run(secondTask, n * parts);
        }
    }

    /** The gates alone; means and the first layer's result go to scratch memory. */
    void gates(long x, long w1, long b1, long w2, long b2, long gate, long workspace) {
        place(workspace);
        gates(x, w1, b1, w2, b2, dmeans, d1, gate, workspace);
    }

    private void sum(int chunk, int worker) {
        simd.columnSums(rowsOf(chunk), c, x + offset(chunk), row(), partial + row() * chunk);
    }

    private void gate(int i, int worker) {
        long mean = means + row() * i;
        mean(i, mean);
        first(i, 0, s, mean);
        second(i, 0, c);
    }

    private void mean(int i, long mean) {
        simd.columnSums(blocks, c, partial + row() * blocks * i, row(), mean);
        simd.scale(mean, mean, c, 1f / pixels);
    }

    /** Units of the first layer. */
    private void first(int i, int from, int to, long mean) {
        long at = 4L * ((long) s * i + from);
        simd.rowDots(to - from, c, w1 + row() * from, mean, b1 + 4L * from, hidden + at);
        activate(hidden + at, active + at, to - from);
    }

    /** Gates of some channels. */
    private void second(int i, int from, int to) {
        long g = gate + row() * i + 4L * from;
        simd.rowDots(to - from, s, w2 + 4L * s * from, active + 4L * s * i, b2 + 4L * from, g);
        sigmoid.run(g, 1, g, 1, g, 1, g, to - from);
    }

    /** Each part computes the means for itself, which takes less time than to wait for them; the first leaves them where they belong. */
    private void firstPart(int chunk, int worker) {
        int i = chunk / parts;
        int part = chunk % parts;
        long mean = part == 0 ? means + row() * i : copies + row() * worker;
        mean(i, mean);
        first(i, s * part / parts, s * (part + 1) / parts, mean);
    }

    private void secondPart(int chunk, int worker) {
        int part = chunk % parts;
        second(chunk / parts, c * part / parts, c * (part + 1) / parts);
    }

    private void activate(long from, long to, long count) {
        if (activation == null) {
            Raw.copy(from, to, 4 * count);
        } else {
            activation.run(from, 1, from, 1, from, 1, to, count);
        }
    }

    /** y = activation(x * gate + residual). @param residual 0 for none */
    void multiply(long x, long gate, long residual, Nonlinearity activation, long y, long workspace) {
        place(workspace);
        simd.fill(zeros, c, 0);
        multiply(x, gate, 0, residual, activation, y);
    }

    /** @param shift (N, C) to be added, 0 for none */
    private void multiply(long x, long gate, long shift, long residual, Nonlinearity activation, long y) {
        this.x = x;
        this.gate = gate;
        this.shift = shift;
        this.residual = residual;
        last = activation;
        this.y = y;
        workers.run(scaleTask, n * blocks);
    }

    private void scale(int chunk, int worker) {
        int b = n * blocks - 1 - chunk;
        long at = offset(b);
        long image = row() * (b / blocks);
        simd.normalize(rowsOf(b), c, x + at, zeros, gate + image, shift == 0 ? zeros : shift + image, residual == 0 ? 0 : residual + at, last, y + at);
    }

    /** What the backward reads: images, weights and what the forward kept. */
    record Forward(long x, long w1, long w2, long means, long hidden, long gate) {}

    /** Where the gradients go. */
    record Gradients(long dx, long dw1, long db1, long dw2, long db2) {}

    /** All gradients from that of the product. dx may be dy. */
    void backward(Forward f, long dy, Gradients to, long workspace) {
        place(workspace);
        x = f.x;
        w1 = f.w1;
        w2 = f.w2;
        means = f.means;
        hidden = f.hidden;
        gate = f.gate;
        dw1 = to.dw1;
        dw2 = to.dw2;
        this.dy = dy;
        simd.fill(zeros, c, 0);
        simd.fill(partial, (long) n * blocks * c, 0);
        workers.run(productTask, n * blocks);
        workers.run(backTask, n);
        workers.run(weightTask, s + c);
        simd.columnSums(n, s, d1, 4L * s, to.db1);
        simd.columnSums(n, c, d2, row(), to.db2);
        multiply(dy, gate, dmeans, 0, Nonlinearity.NONE, to.dx);
    }

    private void product(int chunk, int worker) {
        simd.columnProducts(rowsOf(chunk), c, dy + offset(chunk), row(), x + offset(chunk), row(), partial + row() * chunk);
    }

    /** Through both layers, from the gate's gradient to that of the means. */
    private void back(int i, int worker) {
        long table = tables + tableBytes() * worker;
        long second = d2 + row() * i;
        long first = d1 + 4L * s * i;
        long g = gate + row() * i;
        long before = hidden + 4L * s * i;
        long mean = dmeans + row() * i;
        simd.columnSums(blocks, c, partial + row() * blocks * i, row(), second);
        sigmoidSlope.run(second, 1, g, 1, g, 1, second, c);
        combine(table, c, second, 4, w2, s, s, first);
        if (slope != null) {
            slope.run(first, 1, before, 1, before, 1, first, s);
        }
        activate(before, active + 4L * s * i, s);
        combine(table, s, first, 4, w1, c, c, mean);
        simd.scale(mean, mean, c, 1f / pixels);
    }

    /** out (columns) = sum over i below count of factor[i] * matrix[i]. @param step bytes from factor to factor @param width floats from row to row of the matrix */
    private void combine(long table, int count, long factor, long step, long matrix, int width, int columns, long out) {
        for (int i = 0; i < count; i++) {
            long entry = table + (long) Simd.TAP_BYTES * i;
            Raw.setLong(entry, matrix + 4L * width * i);
            Raw.set(entry + 16, Raw.get(factor + step * i));
        }
        simd.windowSum(count, table, 1, 0, columns, out, 0);
    }

    /** A row of the first weight's gradient, or behind those of the second's. */
    private void weight(int chunk, int worker) {
        long table = tables + tableBytes() * worker;
        if (chunk < s) {
            combine(table, n, d1 + 4L * chunk, 4L * s, means, c, c, dw1 + row() * chunk);
        } else {
            int k = chunk - s;
            combine(table, n, d2 + 4L * k, row(), active, s, s, dw2 + 4L * s * k);
        }
    }
}
