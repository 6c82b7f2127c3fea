package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.Raw;
import dev.jacquard.cpu.Workers;
import dev.jacquard.cpu.x64.TransposedProduct.Fetch;
import dev.jacquard.cpu.x64.TransposedProduct.Steps;
import dev.jacquard.cpu.x64.TransposedProduct.Tile;
import java.util.List;

/**
 * Backward of weight of a 3x3 convolution of stride 1 by Winograd's algorithm transposed: {@code dw = G^T [sum over tiles of (A e A^T) (B^T d B)] G}, where d is a tile of x and e
 * the gradient of the outputs that the forward algorithm makes of it. At each point the sum over tiles is a product of two matrices, {@link TransposedProduct}; at F(4x2) these are
 * a third of the multiply-adds of the definition.
 *
 * <p>Tiles are transformed a block at a time, all channels of both operands; a block stays in the last cache while it is multiplied, a point, or a part of its channels, by a
 * worker. Errors are kept small by summing up in steps: some tiles in registers, a block at the points, blocks in the gradient. A NaN reaches all taps of its channel, and an
 * infinite number becomes NaN, as in {@link WinogradConv}.
 */
final class WinogradWeightGradient implements Conv {
    /** Channels of one operand that are multiplied at once: with as many of the other, the sums and two parts of a block fill two thirds of the second-level cache. */
    private static final int PART = 256;

    /** Tiles that are summed up at once, at most: three times as many are faster by a fiftieth, and rounding errors half as large again. */
    private static final int DEPTH = 48;

    /** Multiplications of a block, at least: threads that take so many in turn are idle at the end for a small part of the time. */
    private static final int ENOUGH = 16;

    /** Output channels of a chunk of the last transform. */
    private static final int OUTPUTS = 8;

    private final WinogradPlan plan;
    private final Workers workers;
    private final Side images;
    private final Side gradients;
    private final int sumBytes;
    private final int sumPoint;
    private final Fetch fetch = new Fetch(2, 1, false);
    private final Kernel[] imageTiles;
    private final Kernel[] gradientTiles;
    private final Kernel[] products;
    private final int[] tiles;
    private final Kernel[][] outputs = new Kernel[2][2];

    // Of the run under way; a plan is not for two threads at once.
    private long x;
    private long dy;
    private long dw;
    private long workspace;
    private int block;

    private final Workers.Task transform = (row, _) -> transform(row);
    private final Workers.Task multiply = this::multiply;
    private final Workers.Task finish = (chunk, _) -> finish(chunk);

    /**
     * An operand's transformed tiles.
     *
     * @param channels of a tile
     * @param parts that they are cut into
     * @param unit channels that stay together
     * @param tileBytes from a tile to the next
     * @param pointBytes from a point to the next
     */
    private record Side(int channels, int parts, int unit, int tileBytes, int pointBytes) {
        static Side of(int channels, int parts, int unit, int tiles) {
            int tileBytes = WinogradConv.oddLines(channels * Float.BYTES);
            return new Side(channels, parts, unit, tileBytes, WinogradConv.oddLines(tiles * tileBytes));
        }

        int first(int part) {
            return Math.min(channels, (int) ((long) Math.ceilDiv(channels, unit) * part / parts) * unit);
        }

        int size(int part) {
            return first(part + 1) - first(part);
        }
    }

    WinogradWeightGradient(WinogradPlan plan, Workers workers, InstructionSet set) {
        this.plan = plan;
        this.workers = workers;
        int most = plan.blockRows() * plan.tilesAcross();
        images = Side.of(plan.c(), Math.ceilDiv(plan.c(), PART), set.lanes(), most);
        int least = Math.ceilDiv(ENOUGH, plan.points() * images.parts);
        gradients = Side.of(plan.k(), Math.clamp(Math.ceilDiv(plan.k(), PART), Math.min(least, plan.k()), plan.k()), 1, most);
        sumBytes = Math.ceilDiv(plan.c(), set.lanes()) * set.bytes();
        sumPoint = WinogradConv.oddLines(plan.k() * sumBytes);
        imageTiles = WinogradInput.of(plan, set, images.pointBytes, images.tileBytes);
        gradientTiles = gradientTiles(set);
        Tile tile = set == InstructionSet.AVX512 ? new Tile(14, 2) : new Tile(6, 2);
        products = new Kernel[gradients.parts * images.parts];
        tiles = new int[products.length];
        for (int i = 0; i < products.length; i++) {
            int m = gradients.size(i / images.parts);
            int n = images.size(i % images.parts);
            products[i] = Kernel.of(new TransposedProduct(set, tile, m, n, new Steps(gradients.tileBytes, 0, 0, 0, set.bytes()), new Steps(images.tileBytes, 0, 0, 0, set.bytes()),
                    sumBytes, fetch));
            tiles[i] = tile.rows(m).count() * tile.columns(n, set).count();
        }
        for (int last = 0; last < 2; last++) {
            int count = last == 0 ? Math.min(OUTPUTS, plan.k()) : plan.k() - (chunks() - 1) * OUTPUTS;
            for (int add = 0; add < 2; add++) {
                outputs[last][add] = Kernel.of(new WinogradGradientOutput(set, plan.rows(), plan.cols(), count, plan.c(), sumPoint, sumBytes, add == 1));
            }
        }
    }

    private Kernel[] gradientTiles(InstructionSet set) {
        List<WinogradOutput.Run> runs = WinogradOutput.Run.of(plan);
        Kernel[] kernels = new Kernel[plan.tilesDown()];
        for (int t = 0; t < kernels.length; t++) {
            kernels[t] = Kernel.of(new WinogradGradientInput(set, plan.rows(), plan.cols(), plan.k(), plan.ow() * plan.k() * Float.BYTES, plan.height(t), runs,
                    gradients.pointBytes, gradients.tileBytes));
        }
        return kernels;
    }

    private int chunks() {
        return Math.ceilDiv(plan.k(), OUTPUTS);
    }

    @Override
    public long workspaceBytes() {
        return sums() + (long) plan.points() * sumPoint - workspace;
    }

    private long notes(int worker) {
        return workspace + (long) worker * fetch.bytes();
    }

    private long imageAt() {
        return workspace + Raw.align((long) workers.size() * fetch.bytes());
    }

    private long gradientAt() {
        return imageAt() + (long) plan.points() * images.pointBytes;
    }

    private long sums() {
        return gradientAt() + (long) plan.points() * gradients.pointBytes;
    }

    @Override
    public void run(long first, long second, long out, long scratch) {
        x = first;
        dy = second;
        dw = out;
        workspace = scratch;
        for (block = 0; block < plan.blocks(); block++) {
            workers.run(transform, 2 * plan.rowsOf(block));
            workers.run(multiply, plan.points() * products.length);
            workers.run(finish, chunks());
        }
    }

    /** A row of tiles of x, or of dy. */
    private void transform(int chunk) {
        int i = chunk / 2;
        int row = block * plan.blockRows() + i;
        int image = row / plan.tilesDown();
        int down = row % plan.tilesDown();
        int top = down * plan.rows().outputs();
        if (chunk % 2 == 0) {
            long pixels = ((long) image * plan.h() + top - plan.padTop()) * plan.w() - plan.padLeft();
            imageTiles[down].run(x + pixels * plan.c() * Float.BYTES, imageAt() + (long) i * plan.tilesAcross() * images.tileBytes, 0, 0, 0, 0);
        } else {
            long pixels = ((long) image * plan.oh() + top) * plan.ow();
            gradientTiles[down].run(dy + pixels * plan.k() * Float.BYTES, gradientAt() + (long) i * plan.tilesAcross() * gradients.tileBytes, 0, 0, 0, 0);
        }
    }

    private int steps() {
        return Math.ceilDiv(plan.rowsOf(block) * plan.tilesAcross(), DEPTH);
    }

    /** The first tile of a step through a block. */
    private int tile(int step) {
        return plan.rowsOf(block) * plan.tilesAcross() * step / steps();
    }

    /** A point's product, of parts of the channels. */
    private void multiply(int item, int worker) {
        int part = item % products.length;
        long to = sums() + (long) (item / products.length) * sumPoint + (long) gradients.first(part / images.parts) * sumBytes + 4L * images.first(part % images.parts);
        int steps = steps();
        for (int step = 0; step < steps; step++) {
            fetch(step + 1 < steps ? item : item + 1, step + 1 < steps ? step + 1 : 0, part, worker);
            long counts = TransposedProduct.counts(tile(step + 1) - tile(step), 1, 1, step > 0);
            products[part].run(gradient(item, step), image(item, step), to, counts, notes(worker), 0);
        }
    }

    private long gradient(int item, int step) {
        return gradientAt() + (long) (item / products.length) * gradients.pointBytes + (long) tile(step) * gradients.tileBytes
                + 4L * gradients.first(item % products.length / images.parts);
    }

    private long image(int item, int step) {
        return imageAt() + (long) (item / products.length) * images.pointBytes + (long) tile(step) * images.tileBytes + 4L * images.first(item % images.parts);
    }

    /** Notes what is fetched while a part is multiplied: what this worker will multiply next, most probably. */
    private void fetch(int item, int step, int part, int worker) {
        long at = notes(worker);
        boolean any = item < plan.points() * products.length;
        int next = item % products.length;
        int rows = any ? Math.ceilDiv(4 * gradients.size(next / images.parts), 64) : 0;
        int columns = any ? Math.ceilDiv(4 * images.size(next % images.parts), 64) : 0;
        int every = Math.max(1, tiles[part] / Math.max(1, rows + columns));
        fetch.every(at, every);
        fetch.walk(at, 0, gradient(item, step), gradients.tileBytes, 0, rows);
        fetch.walk(at, 1, image(item, step), images.tileBytes, 0, columns);
    }

    private void finish(int chunk) {
        long first = (long) chunk * OUTPUTS;
        outputs[chunk == chunks() - 1 ? 1 : 0][block == 0 ? 0 : 1].run(sums() + first * sumBytes, dw + first * 9 * plan.c() * Float.BYTES, 0, 0, 0, 0);
    }
}
