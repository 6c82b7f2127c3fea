package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Beside;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.PackedConv;
import dev.jacquard.cpu.Workers;
import dev.jacquard.tensor.op.FusedProduct.Rectifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Emitted Winograd convolutions: blocks of tiles are transformed, multiplied by transformed weights at every point, and transformed back with the epilogue, for {@link #GROUP}
 * output channels after the other, so that products never leave the cache of the core that made them.
 *
 * <p>Packed weights lie [group of output channels][point][panel][channel][panel's channels]. Rows of transformed tiles are filled up with zeros to whole vectors; distances
 * between points are odd numbers of cache lines, since a transform writes to all of them at once, and at even distances they would share few sets of the caches.
 *
 * <p>A NaN in an image reaches all outputs of the tiles that read it, not only those whose windows have it, and an infinite number becomes NaN there, since transforms subtract:
 * that is in the nature of the algorithm. None is lost: every output whose window has one is NaN.
 */
final class WinogradConv implements PackedConv {
    /** Output channels of a group. */
    private static final int GROUP = 64;

    /** Bytes of a core's second-level cache. */
    private static final int SECOND_LEVEL = 1 << 20;

    /** Output channels that are computed together. */
    private record Group(int first, int channels, int panels, int vectors, long packed) {}

    /** A vector of output channels whose weights are transformed: offsets in bytes of its first tap, and of where it goes. */
    private record PackedVector(Kernel kernel, long from, long to) {}

    private final WinogradPlan plan;
    private final Epilogue epilogue;
    private final InstructionSet set;
    private final Workers workers;
    private final int pixel;
    private final int tileBytes;
    private final int pointBytes;
    private final int productPoint;
    private final long blockBytes;
    private final long workerBytes;
    private final long packedBytes;
    private final long prefetchBytes;
    private final List<Group> groups = new ArrayList<>();
    private final Kernel[] input;
    private final Kernel[][] output;
    private final Kernel[][] products;
    private final List<PackedVector> vectors = new ArrayList<>();
    private final Kernel[] summing;
    private final ChannelSums sums;

    // Of the run under way; a plan is not for two threads at once.
    private long in;
    private long packed;
    private long scale;
    private long shift;
    private long residual;
    private long out;
    private long workspace;
    private long rectifier;

    private final Workers.Task pack = this::packVector;
    private final Workers.Task transform = (block, _) -> transform(block, shared(block));
    private final Workers.Task multiply = this::multiplyShared;
    private final Workers.Task whole = this::whole;
    private final Runnable product = this::product;

    WinogradConv(WinogradPlan plan, Epilogue epilogue, Workers workers, InstructionSet set) {
        this.plan = plan;
        this.epilogue = epilogue;
        this.set = set;
        this.workers = workers;
        pixel = plan.c() * Float.BYTES;
        int tiles = plan.blockRows() * plan.tilesAcross();
        tileBytes = up(pixel, set.bytes());
        pointBytes = StagedProducts.oddLines(tiles * tileBytes);
        productPoint = StagedProducts.oddLines(tiles * GROUP * Float.BYTES);
        blockBytes = (long) plan.points() * pointBytes;
        workerBytes = (long) plan.points() * productPoint + (plan.staged() ? 0 : blockBytes);
        packedBytes = addGroups();
        prefetchBytes = prefetched();
        input = WinogradInput.of(plan, set, pointBytes, tileBytes);
        output = outputs();
        products = products();
        addVectors();
        int[] pixels = new int[plan.n() * plan.tilesDown()];
        Arrays.setAll(pixels, row -> plan.height(row % plan.tilesDown()) * plan.ow());
        sums = ChannelSums.of(epilogue, set, 1, plan.k(), pixels, workers);
        summing = sums == null ? null : groups.stream().map(this::summing).map(Kernel::of).toArray(Kernel[]::new);
    }

    private Kernel.Spec summing(Group g) {
        int outPixel = plan.k() * Float.BYTES;
        return epilogue.sums() == Epilogue.Sums.MOMENTS ? new StatisticsRows(set, g.channels, outPixel)
                : new GradientRows(set, g.channels, outPixel, epilogue.rectifier() == Rectifier.NORMALISED);
    }

    /**
     * Bytes of a block's images, in and out, to prefetch each: none if they would push what is under way out of the cache (measured: a sixth faster with them, a twentieth slower
     * otherwise).
     */
    private long prefetched() {
        long bytes = (long) plan.blockRows() * plan.rows().outputs() * Math.min(plan.w() * plan.c(), plan.ow() * plan.k()) * Float.BYTES;
        return workerBytes + 2 * bytes <= SECOND_LEVEL ? bytes : 0;
    }

    private static int up(int bytes, int to) {
        return Math.ceilDiv(bytes, to) * to;
    }

    /** Panels of four vectors with AVX-512, of two with AVX2; a last group of fewer channels has fewer. @return bytes of packed weights */
    private long addGroups() {
        int most = set == InstructionSet.AVX512 ? 4 : 2;
        long at = 0;
        for (int first = 0; first < plan.k(); first += GROUP) {
            int channels = Math.min(GROUP, plan.k() - first);
            int all = set.vectors(channels);
            int vectors = Math.min(most, all);
            Group g = new Group(first, channels, Math.ceilDiv(all, vectors), vectors, at);
            groups.add(g);
            at += (long) plan.points() * pointOf(g);
        }
        return at;
    }

    private int panelBytes(Group g) {
        return g.vectors * set.bytes();
    }

    /** Bytes of packed weights from a point to the next. */
    private int pointOf(Group g) {
        return g.panels * plan.c() * panelBytes(g);
    }

    private Kernel[][] outputs() {
        List<WinogradOutput.Run> runs = WinogradOutput.Run.of(plan);
        int outPixel = plan.k() * Float.BYTES;
        Kernel[][] kernels = new Kernel[groups.size()][plan.tilesDown()];
        for (int g = 0; g < kernels.length; g++) {
            Group group = groups.get(g);
            for (int t = 0; t < plan.tilesDown(); t++) {
                kernels[g][t] = Kernel.of(new WinogradOutput(set, plan.rows(), plan.cols(), group.channels, outPixel, plan.ow() * outPixel, plan.height(t), runs,
                        productPoint, GROUP * Float.BYTES, epilogue));
            }
        }
        return kernels;
    }

    /** By group, and whether the block is the last one, which may be smaller. */
    private Kernel[][] products() {
        Kernel[][] kernels = new Kernel[groups.size()][2];
        for (int g = 0; g < kernels.length; g++) {
            Group group = groups.get(g);
            for (int last = 0; last < 2; last++) {
                int tiles = plan.rowsOf(last == 0 ? 0 : plan.blocks() - 1) * plan.tilesAcross();
                kernels[g][last] = Kernel.of(new WinogradProduct(set, plan.points(), tiles, plan.c(), pointBytes, tileBytes, group.panels, group.vectors, productPoint,
                        GROUP * Float.BYTES));
            }
        }
        return kernels;
    }

    private void addVectors() {
        int filter = 9 * (plan.rotated() ? plan.k() : plan.c()) * Float.BYTES;
        int tap = (plan.rotated() ? -plan.k() : plan.c()) * Float.BYTES;
        int depth = plan.rotated() ? filter : Float.BYTES;
        int lane = plan.rotated() ? Float.BYTES : filter;
        // Rotated weights are read from the last tap on.
        int first = plan.rotated() ? -8 * tap : 0;
        for (Group g : groups) {
            for (int v = 0; v * set.lanes() < g.channels; v++) {
                int lanes = Math.min(set.lanes(), g.channels - v * set.lanes());
                Kernel kernel = Kernel.of(new WinogradWeights(set, plan.rows(), plan.cols(), plan.c(), lanes, depth, lane, tap, pointOf(g), panelBytes(g)));
                long to = g.packed + (long) (v / g.vectors) * plan.c() * panelBytes(g) + v % g.vectors * set.bytes();
                vectors.add(new PackedVector(kernel, first + (long) (g.first + v * set.lanes()) * lane, to));
            }
        }
    }

    @Override
    public void beside(Beside operands) {
        if (operands instanceof Beside.Rectified(long result)) {
            rectifier = result;
        } else {
            sums.operands(operands);
        }
    }

    @Override
    public long packedBytes() {
        return packedBytes;
    }

    @Override
    public long workspaceBytes() {
        return ownBytes() + ChannelSums.bytes(sums);
    }

    private long ownBytes() {
        return workers.size() * workerBytes + (plan.staged() ? plan.blocks() * blockBytes : 0);
    }

    @Override
    public void pack(long weight, long packedAt) {
        in = weight;
        packed = packedAt;
        workers.run(pack, vectors.size());
    }

    private void packVector(int i, int worker) {
        PackedVector v = vectors.get(i);
        v.kernel.run(in + v.from, packed + v.to, 0, 0, 0, 0);
    }

    @Override
    public void run(long from, long packedAt, long scaleAt, long shiftAt, long residualAt, long to, long workspaceAt) {
        in = from;
        packed = packedAt;
        scale = scaleAt;
        shift = shiftAt;
        residual = residualAt;
        out = to;
        workspace = workspaceAt;
        ChannelSums.run(sums, workspaceAt + ownBytes(), product);
    }

    private void product() {
        if (plan.staged()) {
            workers.run(transform, plan.blocks());
            workers.run(multiply, plan.blocks() * groups.size());
        } else {
            workers.run(whole, Math.ceilDiv(plan.blocks(), plan.blocksOfChunk()));
        }
    }

    private long scratch(int worker) {
        return workspace + worker * workerBytes;
    }

    /** Where a block's transformed tiles are if it is staged. */
    private long shared(int block) {
        return workspace + workers.size() * workerBytes + block * blockBytes;
    }

    private void whole(int chunk, int worker) {
        long at = scratch(worker);
        long tiles = at + workerBytes - blockBytes;
        int first = chunk * plan.blocksOfChunk();
        int end = Math.min(first + plan.blocksOfChunk(), plan.blocks());
        for (int block = first; block < end; block++) {
            transform(block, tiles);
            int next = block + 1 < end ? block + 1 : block;
            for (int g = 0; g < groups.size(); g++) {
                multiply(block, g, tiles, at, next, g == 0);
            }
        }
    }

    /** Blocks are innermost, so that the workers share a group's weights. */
    private void multiplyShared(int chunk, int worker) {
        int block = chunk % plan.blocks();
        multiply(block, chunk / plan.blocks(), shared(block), scratch(worker), block, false);
    }

    /** First pixel of a block's rows, or near it. */
    private long input(int block) {
        int row = block * plan.blockRows();
        return in + ((long) (row / plan.tilesDown()) * plan.h() + row % plan.tilesDown() * plan.rows().outputs()) * plan.w() * pixel;
    }

    private long output(int block) {
        int row = block * plan.blockRows();
        return out + ((long) (row / plan.tilesDown()) * plan.oh() + row % plan.tilesDown() * plan.rows().outputs()) * plan.ow() * plan.k() * Float.BYTES;
    }

    private void transform(int block, long tiles) {
        for (int i = 0; i < plan.rowsOf(block); i++) {
            int row = block * plan.blockRows() + i;
            int image = row / plan.tilesDown();
            int down = row % plan.tilesDown();
            long pixels = ((long) image * plan.h() + down * plan.rows().outputs() - plan.padTop()) * plan.w() - plan.padLeft();
            input[down].run(in + pixels * pixel, tiles + (long) i * plan.tilesAcross() * tileBytes, 0, 0, 0, 0);
        }
    }

    /** Products and outputs. @param next block that the worker will do then @param prefetch whether to bring in its images, and the lines of the outputs */
    private void multiply(int block, int g, long tiles, long product, int next, boolean prefetch) {
        Group group = groups.get(g);
        products[g][block == plan.blocks() - 1 ? 1 : 0]
                .run(tiles, packed + group.packed, product, input(next), output(block), prefetch ? prefetchBytes : 0);
        long channel = (long) group.first * Float.BYTES;
        for (int i = 0; i < plan.rowsOf(block); i++) {
            int row = block * plan.blockRows() + i;
            int image = row / plan.tilesDown();
            int down = row % plan.tilesDown();
            long at = ((long) image * plan.oh() + down * plan.rows().outputs()) * plan.ow() * plan.k() * Float.BYTES + channel;
            output[g][down].run(product + (long) i * plan.tilesAcross() * GROUP * Float.BYTES, out + at, sums instanceof GradientSums s ? s.images() + at : scale + channel,
                    epilogue.rectified() ? rectifier + at : shift + channel, residual + at, 0);
            if (sums != null) {
                sum(g, row, at, plan.height(down) * plan.ow());
            }
        }
    }

    /** Sums up pixels of a group that were just stored: in the epilogue there are no registers for that. */
    private void sum(int g, int row, long at, int pixels) {
        int vector = groups.get(g).first / set.lanes();
        long slot = sums.slot(row, 0, vector);
        switch (sums) {
            case ChannelStatistics _ -> summing[g].run(out + at, slot, pixels, (long) pixels / 2 * plan.k() * Float.BYTES, 0, 0);
            case GradientSums s -> summing[g].run(out + at, s.images() + at, pixels, slot, s.table(vector), 0);
        }
    }
}
