package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.ConvShape;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.ToDoubleBiFunction;

/**
 * Whether a convolution is computed by Winograd's algorithm, by which, and how it is cut: from a model of the processor's work in cycles, summed over cores. Its constants fit
 * what was measured on two cores of Zen 5 (240 GFLOP/s and 3.75 GHz each, 30 GB/s of memory for both) for ResNet-50's shapes at batch 1 and 16; most predictions are within 20
 * percent of the measured times.
 *
 * <p>F(4x4) is not among the candidates: its largest errors on ResNet-50's shapes, operands uniform in -1 to 1, are 1.2 to 1.5 times the tolerance of a sum. Those of F(4x2) are
 * 0.55 to 0.96 of it, of F(2x2) 0.3; a plain sum in order reaches 0.9 to 1.8. For gradients of weights, batch 1 to 16: F(4x4) 0.9 to 1.3, F(4x2) 0.6 to 0.8, F(2x2) 0.3 to 0.5,
 * direct ones 0.3 to 0.4.
 */
final class WinogradChoice {
    /** Share of the peak that products reach: direct ones, and those between transforms. */
    private static final double DIRECT = 0.85;
    private static final double PRODUCTS = 0.9;

    /** Cycles per point and vector of a transform, of inputs or outputs. */
    private static final double TRANSFORM = 2.5;

    /** Bytes that come from memory in a cycle of one core, while the others want theirs. */
    private static final double BYTES = 4;

    /** How much of the time that weights take to come in is not hidden behind products; Winograd's are larger by {@code points / 9}. */
    private static final double WEIGHTS_SEEN = 0.7;

    /** The same of images: transforms wait for them, while a direct product goes on. */
    private static final double IMAGES_SEEN = 0.5;

    /** The same of transformed tiles of a gradient of weights, and their bytes in a block; the last cache keeps these until they are multiplied. */
    private static final double TILES_SEEN = 0.3;
    private static final long BLOCK_BYTES = 12 << 20;

    /** Bytes of a gradient's sums at all points, at most. */
    private static final long MOST_SUMS = 64 << 20;

    /** Channels below which vectors and panels are mostly empty. */
    private static final int LEAST_CHANNELS = 16;

    /** Tiles of a block: transformed, they fill the second-level cache at 128 channels. More of them read weights less often. */
    private static final int MOST_TILES = 64;

    /** Fewer in a block would read weights too often. */
    private static final int LEAST_TILES = 24;

    private WinogradChoice() {}

    /** A plan that beats the direct kernel at a forward convolution, if there is one. */
    static Optional<WinogradPlan> forward(ConvShape s, InstructionSet set) {
        return !WinogradPlan.takesForward(s) ? Optional.empty()
                : best(s, set, (rows, cols) -> WinogradPlan.forward(s, rows, cols, 1, false), WinogradChoice::cycles).map(WinogradChoice::cut);
    }

    /** The same of a backward of data. */
    static Optional<WinogradPlan> backwardData(ConvShape s, InstructionSet set) {
        return !WinogradPlan.takesBackwardData(s) ? Optional.empty()
                : best(s, set, (rows, cols) -> WinogradPlan.backwardData(s, rows, cols, 1, false), WinogradChoice::cycles).map(WinogradChoice::cut);
    }

    /** The same of a backward of weight: its blocks are such that both operands' tiles fit the last cache. */
    static Optional<WinogradPlan> backwardWeight(ConvShape s, InstructionSet set) {
        if (!WinogradPlan.takesForward(s)) {
            return Optional.empty();
        }
        return best(s, set, (rows, cols) -> WinogradPlan.forward(s, rows, cols, 1, true), WinogradChoice::gradientCycles).filter(p -> sumBytes(p) <= MOST_SUMS).map(p -> {
            int most = Math.clamp(BLOCK_BYTES / (tileBytes(p) / p.tileRows()), 1, p.tileRows());
            return p.cut(Math.ceilDiv(p.tileRows(), Math.ceilDiv(p.tileRows(), most)), true);
        });
    }

    private static Optional<WinogradPlan> best(ConvShape s, InstructionSet set, BiFunction<WinogradAxis, WinogradAxis, WinogradPlan> plans,
            ToDoubleBiFunction<WinogradPlan, InstructionSet> cost) {
        if (Math.min(s.c(), s.k()) < LEAST_CHANNELS) {
            return Optional.empty();
        }
        double least = direct(s, set);
        WinogradPlan best = null;
        WinogradAxis[][] tiles = {{WinogradAxis.FOUR, WinogradAxis.TWO}, {WinogradAxis.TWO, WinogradAxis.FOUR}, {WinogradAxis.TWO, WinogradAxis.TWO}};
        for (WinogradAxis[] tile : tiles) {
            WinogradPlan p = plans.apply(tile[0], tile[1]);
            double cycles = cost.applyAsDouble(p, set);
            if (cycles < least) {
                least = cycles;
                best = p;
            }
        }
        return Optional.ofNullable(best);
    }

    private static double direct(ConvShape s, InstructionSet set) {
        return s.usefulMultiplyAdds() / (2.0 * set.lanes() * DIRECT) + WEIGHTS_SEEN * 9 * s.c() * s.k() * Float.BYTES / BYTES;
    }

    private static double cycles(WinogradPlan p, InstructionSet set) {
        double products = products(p, set);
        double transforms = transforms(p, set);
        double weights = (double) p.points() * p.c() * p.k() * Float.BYTES / BYTES;
        // Outputs are read before they are written.
        double images = (double) p.n() * ((double) p.h() * p.w() * p.c() + 2.0 * p.oh() * p.ow() * p.k()) * Float.BYTES / BYTES;
        return products + transforms + WEIGHTS_SEEN * weights + IMAGES_SEEN * images;
    }

    /** Of a gradient of weights: tiles go through the last cache, and so do sums at all points. */
    private static double gradientCycles(WinogradPlan p, InstructionSet set) {
        double images = (double) p.n() * ((double) p.h() * p.w() * p.c() + (double) p.oh() * p.ow() * p.k()) * Float.BYTES / BYTES;
        return products(p, set) + transforms(p, set) + IMAGES_SEEN * images + TILES_SEEN * tileBytes(p) / BYTES + WEIGHTS_SEEN * sumBytes(p) / BYTES;
    }

    private static double products(WinogradPlan p, InstructionSet set) {
        return (double) p.tileRows() * p.tilesAcross() * p.points() * p.c() * set.vectors(p.k()) / (2 * PRODUCTS);
    }

    private static double transforms(WinogradPlan p, InstructionSet set) {
        return (double) p.tileRows() * p.tilesAcross() * p.points() * (set.vectors(p.c()) + set.vectors(p.k())) * TRANSFORM;
    }

    /** Bytes of both operands' transformed tiles in a gradient of weights. */
    private static long tileBytes(WinogradPlan p) {
        return (long) Float.BYTES * p.points() * p.tileRows() * p.tilesAcross() * (p.c() + p.k());
    }

    private static long sumBytes(WinogradPlan p) {
        return (long) Float.BYTES * p.points() * p.c() * p.k();
    }

    /** Blocks as large as they should be, if they go up evenly; staged, with chunks for each group of channels, if there are too few of them. */
    private static WinogradPlan cut(WinogradPlan p) {
        int most = Math.clamp(MOST_TILES / p.tilesAcross(), 1, p.tileRows());
        for (int rows = most; rows > 0 && (rows == most || rows * p.tilesAcross() >= LEAST_TILES); rows--) {
            WinogradPlan cut = p.cut(rows, false);
            if (cut.blocks() >= WinogradPlan.ENOUGH_CHUNKS || cut.blocks() % 2 == 0 && p.tileRows() > 0.9 * rows * cut.blocks()) {
                return cut;
            }
        }
        return p.cut(most, true);
    }
}
