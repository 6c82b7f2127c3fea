package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Workers;
import dev.jacquard.cpu.x64.StagedProducts.Side;

/**
 * Backward of weight of a 1x1 convolution of many channels: both operands are copied before they are multiplied, a block at a time that stays in the last cache. Read in place,
 * positions a multiple of 4 KiB apart share few sets of the caches, and the sums, whose rows are as far apart, drive them out; so sums are kept apart, too, and copied at the end.
 * The copies cost a twentieth of the time. Beside {@link WeightGradient} that is up to a tenth faster, and less dependent on what else wants the last cache.
 */
final class StagedWeightGradient implements Conv {
    /** Channels of both operands from which on it pays: at 512 of one and 1024 of the other it is a fiftieth slower in a training step. */
    private static final int LEAST = 1024;

    /** How many times as many channels the larger one may have: copies are made for less work then, and {@link WeightGradient} copies on the way. */
    private static final int MOST_RATIO = 2;

    /** Positions that are summed up at once, at most: what a tile of the product reads of them stays in the first-level cache. */
    private static final int DEPTH = 160;

    /** Channels of one operand that are multiplied at once, at most: sums and two parts of a block stay in the second-level cache. */
    private static final int PART = 256;

    /** Multiplications of a block, at least. */
    private static final int ENOUGH = 16;

    /** Bytes of both copies of a block, at most. */
    private static final long BLOCK_BYTES = 6 << 20;

    /** Rows of a chunk of copies. */
    private static final int COPIED = 64;

    private final ConvShape shape;
    private final Workers workers;
    private final int block;
    private final Side images;
    private final Side gradients;
    private final StagedProducts products;
    private final Kernel copyImages;
    private final Kernel copyGradients;
    private final Kernel copySums;
    private final int sumRow;

    // Of the run under way; a plan is not for two threads at once.
    private long x;
    private long dy;
    private long imagesAt;
    private long gradientsAt;
    private long sumsAt;
    private long dw;
    private int begin;
    private int end;

    private final Workers.Task copy = (chunk, _) -> copy(chunk);
    private final Workers.Task finish = (chunk, _) -> finish(chunk);

    StagedWeightGradient(ConvShape shape, Workers workers, InstructionSet set) {
        this.shape = shape;
        this.workers = workers;
        long bytes = (long) Float.BYTES * positions() * (shape.c() + shape.k());
        block = Math.ceilDiv(positions(), Math.toIntExact(Math.ceilDiv(bytes, BLOCK_BYTES)));
        int columnParts = Math.ceilDiv(shape.c(), PART);
        int rowParts = Math.max(Math.ceilDiv(shape.k(), PART), Math.ceilDiv(ENOUGH, columnParts));
        images = Side.of(shape.c(), columnParts, set.lanes(), block);
        gradients = Side.of(shape.k(), rowParts, 1, block);
        sumRow = StagedProducts.oddLines(Float.BYTES * shape.c());
        products = new StagedProducts(set, 1, gradients, images, sumRow, 0, DEPTH);
        copyImages = Kernel.of(rows(set, images));
        copyGradients = Kernel.of(rows(set, gradients));
        copySums = Kernel.of(new PaddedRows(set, 0, shape.c(), 0, Float.BYTES * shape.c(), sumRow));
    }

    /** Whether this is the way for a shape: one tap that reads every pixel, and enough channels. On AVX2 {@link WeightGradient} packs such operands. */
    static boolean takes(ConvShape s, InstructionSet set) {
        boolean one = s.r() == 1 && s.s() == 1 && s.strideH() == 1 && s.strideW() == 1 && s.groups() == 1;
        boolean pixels = one && s.oh() == s.h() && s.ow() == s.w() && s.padTop() == 0 && s.padLeft() == 0;
        int larger = Math.max(s.c(), s.k());
        int smaller = Math.min(s.c(), s.k());
        return set == InstructionSet.AVX512 && pixels && smaller >= LEAST && larger <= MOST_RATIO * smaller;
    }

    /** Rows are written in whole vectors, for which there is room. */
    private static PackedPieces rows(InstructionSet set, Side side) {
        return new PackedPieces(set, new Pieces(side.channels(), set.lanes(), set.vectors(side.channels())), side.step(), side.step(), Float.BYTES * side.channels());
    }

    private int positions() {
        return shape.n() * shape.oh() * shape.ow();
    }

    @Override
    public long workspaceBytes() {
        return products.notesBytes(workers.size()) + products.bytes(images) + products.bytes(gradients) + (long) shape.k() * sumRow;
    }

    @Override
    public void run(long first, long second, long out, long workspace) {
        x = first;
        dy = second;
        imagesAt = workspace + products.notesBytes(workers.size());
        gradientsAt = imagesAt + products.bytes(images);
        sumsAt = gradientsAt + products.bytes(gradients);
        dw = out;
        products.place(workspace, gradientsAt, imagesAt, sumsAt);
        for (begin = 0; begin < positions(); begin = end) {
            end = Math.min(positions(), begin + block);
            products.positions(end - begin, begin > 0);
            workers.run(copy, 2 * Math.ceilDiv(end - begin, COPIED));
            workers.run(products.multiply, products.items());
        }
        workers.run(finish, Math.ceilDiv(shape.k(), COPIED));
    }

    private void copy(int chunk) {
        int p = chunk / 2 * COPIED;
        int count = Math.min(COPIED, end - begin - p);
        if (chunk % 2 == 0) {
            copyImages.run(imagesAt + (long) p * images.step(), x + (long) Float.BYTES * (begin + p) * shape.c(), count, 0, 0, 0);
        } else {
            copyGradients.run(gradientsAt + (long) p * gradients.step(), dy + (long) Float.BYTES * (begin + p) * shape.k(), count, 0, 0, 0);
        }
    }

    private void finish(int chunk) {
        long k = (long) chunk * COPIED;
        copySums.run(dw + k * Float.BYTES * shape.c(), sumsAt + k * sumRow, Math.min(COPIED, shape.k() - k), 0, 0, 0);
    }
}
