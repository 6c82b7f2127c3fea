package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * How a product on tensor cores is cut into the work of blocks. Which way is best by rule follows from a model of a multiprocessor, in cycles: blocks in turns, each as long as its
 * products take at the tile's efficiency, or as its loads take from the L2 cache; and the sums of parts, which are written and read once more. Only the order of its results is
 * used.
 *
 * @param tile of a block
 * @param split of the depth
 * @param cycles that the rule expects
 */
record Tiling(TensorTile tile, Split split, double cycles) {
    /** Products of two-byte operands per cycle of a multiprocessor: A100's figure. */
    private static final double RATE = 1024;
    /** Bytes per cycle that a multiprocessor gets out of the L2 cache, and its part of memory's. */
    private static final double CACHE = 40;
    private static final double MEMORY = 20;
    /** Cycles of a block before its first product and after its last, and of a launch. */
    private static final double BLOCK_OVERHEAD = 1500;
    private static final double LAUNCH = 4000;
    /** What a multiprocessor with fewer than so many warps keeps of its rate: they wait for their own loads. */
    private static final double FEW_WARPS = 0.75;
    private static final int WARPS = 8;
    private static final int LEAST_DEPTH = 128;
    private static final int MOST_PARTS = 256;
    private static final long MOST_WORKSPACE = 256L << 20;

    /**
     * All tiles, each unsplit, and with the split that the rule finds best; the best first.
     *
     * @param m rows of each product
     * @param n columns
     * @param k depth
     * @param batch products of this size in one launch, such as groups of a convolution
     * @param dtype of the operands
     */
    static List<Tiling> ranked(long m, long n, long k, long batch, DType dtype, Target target) {
        List<Tiling> all = new ArrayList<>();
        for (TensorTile tile : TensorTile.values()) {
            List<Tiling> of = new ArrayList<>();
            for (int parts = 1; parts <= MOST_PARTS; parts = parts < 4 ? parts + 1 : parts * 3 / 2) {
                Split split = Split.into(parts, k, TensorTile.depth(dtype));
                boolean sensible = split.parts() == 1 || split.depth() >= LEAST_DEPTH && split.workspace(batch * m * n) <= MOST_WORKSPACE;
                if (split.parts() == parts && sensible) {
                    of.add(new Tiling(tile, split, cycles(tile, split, m, n, batch, dtype, target)));
                }
            }
            Tiling best = of.stream().min(Comparator.comparingDouble(Tiling::cycles)).orElseThrow();
            all.add(best);
            if (best.split.parts() > 1) {
                all.add(of.getFirst());
            }
        }
        all.sort(Comparator.comparingDouble(Tiling::cycles));
        return List.copyOf(all);
    }

    private static double cycles(TensorTile tile, Split split, long m, long n, long batch, DType dtype, Target target) {
        double sms = target.device().multiprocessors();
        double turns = Math.ceil(tile.count(m, n) * batch * split.parts() / sms);
        double together = Math.min(turns, tile.resident());
        double results = (double) tile.rows() * tile.columns();
        double rate = RATE * tile.efficiency() * (together * tile.threads() < WARPS * 32 ? FEW_WARPS : 1);
        double compute = results * split.depth() * dtype.bytes() / (2 * rate);
        double loads = (double) (tile.rows() + tile.columns()) * split.depth() * dtype.bytes() / CACHE;
        double blocks = turns * Math.max(compute, loads) + BLOCK_OVERHEAD * Math.ceil(turns / together);
        double sums = split.parts() == 1 ? 0 : LAUNCH + 2.0 * split.workspace(batch * m * n) / (MEMORY * sms);
        return blocks + sums;
    }

    /** {@code 128x128 split 3}. */
    @Override
    public String toString() {
        return tile + (split.parts() > 1 ? " split " + split.parts() : "");
    }
}
