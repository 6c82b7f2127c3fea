package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.x64.TransposedProduct.Tile;
import java.util.List;

/**
 * How the gradient of a convolution's weights is cut up, by its shape alone.
 *
 * @param shape the convolution
 * @param set instruction set
 * @param flat whether a kernel's row (S, C) is one unit, read from copies of the image's rows with zeros on both sides: images of few channels
 * @param swapped whether numbers of x go with vectors of dy, rather than the other way round; the result is then turned over at the end
 * @param tile rows and vectors of a tile
 * @param rowParts parts that the broadcast operand's channels are cut into
 * @param columnParts parts that the channels of the operand read as vectors are cut into
 * @param unitParts parts that the taps, or kernel rows, are cut into
 * @param splits parts that the blocks of positions are cut into, each with sums of its own
 * @param blockRows output rows of a block of positions; 0 if a block has whole images
 * @param blockImages images of a block, at least 1
 */
record WeightGradientPlan(ConvShape shape, InstructionSet set, boolean flat, boolean swapped, Tile tile, int rowParts, int columnParts, int unitParts, int splits, int blockRows,
        int blockImages) {
    /** Chunks aimed at. A constant, so that the order of summation does not depend on the number of threads. */
    private static final int CHUNKS = 16;

    /** The same where operands are packed, which larger parts have done less often. */
    private static final int PACKED_CHUNKS = 8;

    /** Cycles below which it is not worth the while to wake another thread. */
    private static final double SMALL = 20_000;

    /** What a block of both operands may take of the second-level cache: the next one comes in meanwhile. */
    private static final int BLOCK_BYTES = 256 << 10;

    /** The same on processors with AVX-512, whose cache has a MiB and more, where a block of x has no rows beside those of dy. */
    private static final int LARGE_BLOCK_BYTES = 512 << 10;

    /** The same where there are two copies of a block. */
    private static final int AHEAD_BLOCK_BYTES = 448 << 10;

    private static final int LEAST_POSITIONS = 96;
    private static final int MOST_POSITIONS = 224;

    /** Likewise where rows of x are copied, of which neighbouring blocks have some in common. */
    private static final int MOST_FLAT_POSITIONS = 448;

    /** Channels of an image, or of its gradient, from which on operands are packed: for several taps, and for one. */
    private static final int FAR = 256;
    private static final int FAR_ALONE = 1024;

    /**
     * Channels of x or of dy from which on tiles copy the next block: below, what it costs is what it gains. Few shapes have so many, and their operands fit the last cache; from
     * memory, copies would wait.
     */
    private static final int FAR_AHEAD = 2048;

    /** Channels of the other, at least: a block has to have more tiles than pieces to copy. */
    private static final int LEAST_AHEAD = 512;

    private static final int FLOATS_PER_LINE = 16;

    private static final int MOST_WALKS = 4;

    private static final long PARTIAL_BYTES = 32 << 20;

    /** Bytes that move between the cores and memory, or the last cache, in a cycle. */
    private static final double BYTES_PER_CYCLE = 8;

    static WeightGradientPlan of(ConvShape s, InstructionSet set) {
        boolean mayBeFlat = s.groups() == 1 && s.dilationW() == 1 && s.s() > 1 && s.c() <= set.lanes();
        WeightGradientPlan best = null;
        double least = Double.MAX_VALUE;
        for (Tile tile : tiles(set)) {
            for (int way = 0; way < (mayBeFlat ? 4 : 2); way++) {
                WeightGradientPlan p = new WeightGradientPlan(s, set, way > 1, way % 2 == 1, tile, 1, 1, 1, 1, 0, 1);
                double cycles = p.cycles() + p.overhead();
                if (cycles < 0.99 * least) {
                    best = p;
                    least = cycles;
                }
            }
        }
        return best.cut();
    }

    /** Cycles beside the products: rows are copied, a result is turned over. */
    private double overhead() {
        return (swapped ? 0.02 * cycles() + 2.0 * gradientFloats() : 0) + (flat ? 4.0 * shape.n() * shape.h() * shape.w() * shape.c() / 8 : 0);
    }

    private static List<Tile> tiles(InstructionSet set) {
        return set == InstructionSet.AVX512 ? List.of(new Tile(14, 2), new Tile(8, 3), new Tile(6, 4), new Tile(28, 1)) : List.of(new Tile(6, 2), new Tile(12, 1));
    }

    /** Channels of x that a unit has. */
    int imageChannels() {
        return flat ? shape.s() * shape.c() : shape.groupC();
    }

    /** Rows of a unit's product. */
    int rows() {
        return swapped ? imageChannels() : shape.groupK();
    }

    /** Columns of a unit's product. */
    int columns() {
        return swapped ? shape.groupK() : imageChannels();
    }

    /** Taps, or kernel rows. */
    int units() {
        return flat ? shape.r() : shape.r() * shape.s();
    }

    long gradientFloats() {
        return (long) shape.k() * shape.r() * shape.s() * shape.groupC();
    }

    /** Rows of the product in part {@code i}: from this one to before that of {@code i + 1}. */
    int row(int i) {
        return (int) ((long) rows() * i / rowParts);
    }

    /** Columns likewise; parts begin on whole vectors. */
    int column(int i) {
        int vectors = set.vectors(columns());
        return Math.min(columns(), (int) ((long) vectors * i / columnParts) * set.lanes());
    }

    private int channelsOf(boolean rows, int part) {
        return rows ? row(part + 1) - row(part) : column(part + 1) - column(part);
    }

    /** Cache lines of each position's numbers of dy that part {@code part} of its channels takes. */
    int gradientLines(int part) {
        return Math.ceilDiv(channelsOf(!swapped, part), FLOATS_PER_LINE);
    }

    /** Whether a kernel of one tap leaves out pixels between those that it reads. */
    boolean sparse() {
        return units() == 1 && shape.strideH() * shape.strideW() > 1;
    }

    /** Whether a block of x is read whole, pixel after pixel. */
    private boolean contiguous(int part) {
        return !sparse() && (flat || channelsOf(swapped, part) == shape.c());
    }

    /** Cache lines of x in a step of a walk through part {@code part} of its channels. */
    int imageLines(int part) {
        return Math.ceilDiv(contiguous(part) ? imageStep(part) / Float.BYTES : channelsOf(swapped, part), FLOATS_PER_LINE);
    }

    /**
     * Walks through x, side by side, with as many steps as there are positions: pixels that are parts are one by one, of which there are several to a position where a convolution
     * has strides.
     */
    int imageWalks() {
        return contiguous(0) || sparse() ? 1 : Math.min(MOST_WALKS, shape.strideH() * shape.strideW());
    }

    /** Whether operands come from memory more slowly than they are multiplied. */
    boolean memoryBound() {
        double bytes = 4.0 * (shape.k() + (double) shape.c() * shape.strideH() * shape.strideW());
        return bytes > BYTES_PER_CYCLE * shape.groups() * units() * cyclesPerPosition();
    }

    /** Bytes of a step of a walk through x. */
    int imageStep(int part) {
        int pixels = sparse() ? shape.strideW() : contiguous(part) ? shape.strideH() * shape.strideW() : 1;
        return Float.BYTES * shape.c() * pixels;
    }

    int unit(int i) {
        return units() * i / unitParts;
    }

    /** Blocks of positions. */
    int blocks() {
        return blockRows == 0 ? Math.ceilDiv(shape.n(), blockImages) : shape.n() * Math.ceilDiv(shape.oh(), blockRows);
    }

    /** Chunks of the work that can be done side by side. */
    int items() {
        return splits * shape.groups() * rowParts * columnParts * unitParts;
    }

    /**
     * Whether tiles copy the next block into pieces of its own on their way: positions a page apart share few sets of both caches, and what is fetched of the next block drives out
     * this one. It costs a load and a store beside twenty-eight multiply-adds. Only where a tile's rows fit into a vector and columns are whole ones.
     */
    boolean ahead() {
        boolean whole = !flat && !swapped && units() == 1 && shape.padTop() == 0 && shape.padLeft() == 0 && shape.groupC() % set.lanes() == 0;
        boolean even = !sparse() || blockRows != 0 || blockImages == 1 || shape.oh() * shape.strideH() == shape.h();
        boolean many = Math.max(shape.c(), shape.k()) >= FAR_AHEAD && Math.min(shape.groupC(), shape.groupK()) >= LEAST_AHEAD;
        return set == InstructionSet.AVX512 && whole && even && many && tile.vectors() == 2 && tile.rows() <= set.lanes();
    }

    /**
     * Whether a block of x is brought together before it is read: if positions are so far apart that they would fall into few sets of the first-level cache, and it is read often
     * enough.
     */
    boolean packImage() {
        return ahead() || !flat && far(shape.c()) && (units() > 1 || shape.padTop() == 0 && shape.padLeft() == 0);
    }

    /** Whether a block of dy is. */
    boolean packGradient() {
        return ahead() || far(shape.k());
    }

    /** A single tap of AVX-512's large tiles does not wait for the second-level cache. */
    private boolean far(int channels) {
        return units() > 1 ? channels >= FAR : set == InstructionSet.AVX2 && channels >= FAR_ALONE;
    }

    /** Input rows that a block of output rows reaches. */
    int blockInputRows() {
        return blockRows == 0 ? shape.h() : Math.min(shape.h(), (blockRows - 1) * shape.strideH() + (shape.r() - 1) * shape.dilationH() + 1);
    }

    /** Floats of an image's row with the zeros around it, as far as any window reaches. */
    int lineFloats() {
        return ((shape.ow() - 1) * shape.strideW() + shape.s()) * shape.c();
    }

    /** Whether sums go to scratch first. */
    boolean partial() {
        return swapped || splits > 1;
    }

    /**
     * What a unit's product costs per position, in cycles: of multiply-adds, two of which begin in a cycle and each of which takes four, or of loads, two in a cycle; and to begin
     * and end a tile.
     */
    private double cyclesPerPosition() {
        int panels = Math.ceilDiv(set.vectors(columns()), tile.vectors());
        int bands = Math.ceilDiv(rows(), tile.rows());
        double sum = 0;
        for (int wide = 0; wide < 2; wide++) {
            for (int tall = 0; tall < 2; tall++) {
                int v = set.vectors(columns()) / panels + wide;
                int r = rows() / bands + tall;
                int nv = wide == 1 ? set.vectors(columns()) % panels : panels - set.vectors(columns()) % panels;
                int nr = tall == 1 ? rows() % bands : bands - rows() % bands;
                sum += (double) nv * nr * (Math.max(4, Math.max(0.5 * r * v, 0.55 * (r + v))) + (40 + 1.5 * r * v) / MOST_POSITIONS);
            }
        }
        return sum;
    }

    private double positions() {
        return (double) shape.n() * shape.oh() * shape.ow();
    }

    /** Multiply-adds of all. */
    private double cycles() {
        return shape.groups() * units() * positions() * cyclesPerPosition();
    }

    /** The best cut: enough chunks, operands read and sums added as seldom as possible. */
    private WeightGradientPlan cut() {
        int wanted = (int) Math.max(1, Math.min(!ahead() && (packImage() || packGradient()) ? PACKED_CHUNKS : CHUNKS, cycles() / SMALL));
        WeightGradientPlan best = null;
        double least = Double.MAX_VALUE;
        for (int u = 1; u <= units(); u++) {
            if (Math.ceilDiv(units(), u) > 64 || u > 1 && Math.ceilDiv(units(), u) == Math.ceilDiv(units(), u - 1)) {
                continue;
            }
            for (int r = 1; r <= Math.min(CHUNKS, Math.ceilDiv(rows(), tile.rows())); r++) {
                for (int c = 1; c <= Math.min(CHUNKS, Math.ceilDiv(set.vectors(columns()), tile.vectors())); c++) {
                    WeightGradientPlan p = blocked(r, c, u).split(wanted);
                    double cost = p.cost(wanted);
                    if (cost < least) {
                        best = p;
                        least = cost;
                    }
                }
            }
        }
        return best;
    }

    private int blockBytes() {
        return ahead() ? AHEAD_BLOCK_BYTES : set == InstructionSet.AVX512 && units() == 1 ? LARGE_BLOCK_BYTES : BLOCK_BYTES;
    }

    /** With blocks of positions that fit the cache. */
    private WeightGradientPlan blocked(int r, int c, int u) {
        int channels = Math.ceilDiv(rows(), r) + Math.ceilDiv(columns(), c);
        int most = Math.max(LEAST_POSITIONS, Math.min(flat ? MOST_FLAT_POSITIONS : MOST_POSITIONS, blockBytes() / (4 * channels)));
        int image = shape.oh() * shape.ow();
        int images = image > most ? 1 : Math.ceilDiv(shape.n(), Math.ceilDiv(shape.n(), most / image));
        int bands = Math.ceilDiv(shape.oh(), Math.max(1, most / shape.ow()));
        while (ahead() && shape.oh() % bands != 0 && 2 * bands < shape.oh()) {
            bands++; // equal blocks: tiles copy as many positions as they multiply
        }
        int rowsOfBlock = image > most ? Math.ceilDiv(shape.oh(), bands) : 0;
        return new WeightGradientPlan(shape, set, flat, swapped, tile, r, c, u, 1, rowsOfBlock, images);
    }

    private WeightGradientPlan split(int wanted) {
        int most = (int) Math.max(1, Math.min(blocks(), PARTIAL_BYTES / (4 * gradientFloats())));
        return new WeightGradientPlan(shape, set, flat, swapped, tile, rowParts, columnParts, unitParts, Math.min(most, Math.ceilDiv(wanted, items())), blockRows, blockImages);
    }

    private double cost(int wanted) {
        double compute = cycles() * unevenness(rows(), rowParts) * unevenness(set.vectors(columns()), columnParts) * unevenness(units(), unitParts) * unevenness(blocks(), splits);
        double idle = items() < wanted ? compute * (wanted - items()) / wanted : 0;
        double rowBytes = 4.0 * positions() * (swapped ? shape.c() : shape.k());
        double columnBytes = 4.0 * positions() * (swapped ? shape.k() : shape.c());
        double operands = unitParts * (rowBytes * columnParts + columnBytes * rowParts);
        double sums = 4.0 * gradientFloats() * (2.0 * blocks() + (partial() ? 2.0 * splits : 0));
        return compute + idle + (operands + sums) / BYTES_PER_CYCLE;
    }

    /** How much longer the largest part is than the mean. */
    private static double unevenness(int n, int parts) {
        return (double) Math.ceilDiv(n, parts) * parts / n;
    }
}
