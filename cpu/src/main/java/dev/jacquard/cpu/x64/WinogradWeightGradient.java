package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.Workers;
import dev.jacquard.cpu.x64.StagedProducts.Side;
import java.util.List;

/**
 * Backward of weight of a 3x3 convolution of stride 1 by Winograd's algorithm transposed: {@code dw = G^T [sum over tiles of (A e A^T) (B^T d B)] G}, where d is a tile of x and e
 * the gradient of the outputs that the forward algorithm makes of it. At each point the sum over tiles is a product of two matrices, {@link StagedProducts}; at F(4x2) these are
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
    private final StagedProducts products;
    private final int sumBytes;
    private final int sumPoint;
    private final Kernel[] imageTiles;
    private final Kernel[] gradientTiles;
    private final Kernel[][] outputs = new Kernel[2][2];

    // Of the run under way; a plan is not for two threads at once.
    private long x;
    private long dy;
    private long dw;
    private long imagesAt;
    private long gradientsAt;
    private long sumsAt;
    private int block;

    private final Workers.Task transform = (row, _) -> transform(row);
    private final Workers.Task finish = (chunk, _) -> finish(chunk);

    WinogradWeightGradient(WinogradPlan plan, Workers workers, InstructionSet set) {
        this.plan = plan;
        this.workers = workers;
        int most = plan.blockRows() * plan.tilesAcross();
        images = Side.of(plan.c(), Math.ceilDiv(plan.c(), PART), set.lanes(), most);
        int parts = Math.ceilDiv(ENOUGH, plan.points() * images.parts());
        gradients = Side.of(plan.k(), Math.max(Math.ceilDiv(plan.k(), PART), Math.min(parts, plan.k())), 1, most);
        sumBytes = set.vectors(plan.c()) * set.bytes();
        sumPoint = StagedProducts.oddLines(plan.k() * sumBytes);
        products = new StagedProducts(set, plan.points(), gradients, images, sumBytes, sumPoint, DEPTH);
        imageTiles = WinogradInput.of(plan, set, images.point(), images.step());
        gradientTiles = gradientTiles(set);
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
            kernels[t] = Kernel.of(new WinogradGradientInput(set, plan.rows(), plan.cols(), plan.k(), plan.ow() * plan.k() * Float.BYTES, plan.height(t), runs, gradients.point(),
                    gradients.step()));
        }
        return kernels;
    }

    private int chunks() {
        return Math.ceilDiv(plan.k(), OUTPUTS);
    }

    @Override
    public long workspaceBytes() {
        return products.notesBytes(workers.size()) + products.bytes(images) + products.bytes(gradients) + (long) plan.points() * sumPoint;
    }

    @Override
    public void run(long first, long second, long out, long workspace) {
        x = first;
        dy = second;
        dw = out;
        imagesAt = workspace + products.notesBytes(workers.size());
        gradientsAt = imagesAt + products.bytes(images);
        sumsAt = gradientsAt + products.bytes(gradients);
        products.place(workspace, gradientsAt, imagesAt, sumsAt);
        for (block = 0; block < plan.blocks(); block++) {
            products.positions(plan.rowsOf(block) * plan.tilesAcross(), false);
            workers.run(transform, 2 * plan.rowsOf(block));
            workers.run(products.multiply, products.items());
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
            imageTiles[down].run(x + pixels * plan.c() * Float.BYTES, imagesAt + (long) i * plan.tilesAcross() * images.step(), 0, 0, 0, 0);
        } else {
            long pixels = ((long) image * plan.oh() + top) * plan.ow();
            gradientTiles[down].run(dy + pixels * plan.k() * Float.BYTES, gradientsAt + (long) i * plan.tilesAcross() * gradients.step(), 0, 0, 0, 0);
        }
    }

    private void finish(int chunk) {
        long first = (long) chunk * OUTPUTS;
        outputs[chunk == chunks() - 1 ? 1 : 0][block == 0 ? 0 : 1].run(sumsAt + first * sumBytes, dw + first * 9 * plan.c() * Float.BYTES, 0, 0, 0, 0);
    }
}
