package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.Workers;
import java.util.Arrays;
import java.util.Optional;

/**
 * C = epilogue(op(A) op(B)) of dense row-major float32 matrices at native addresses, by emitted kernels, planned for its shape. B is packed at every run; A is read where it lies.
 * Bitwise the same for every thread count; a run allocates nothing. A plan is not for two threads at once.
 */
public final class EmittedProduct {
    /** Bytes of A that a chunk should read again and again. */
    private static final int ROW_BYTES = 256 << 10;
    private static final int LEAST_ROWS = 24;
    private static final int MOST_ROWS = 1536;
    private static final long ENOUGH = 4_000_000;
    private static final long LEAST = 250_000;

    /** Sums, and how many times as long as a side of the result, from which on they are better cut into blocks. */
    private static final int LONG = 256;
    private static final int DEEP = 8;

    /** Columns of A of which a multiple lies pages apart. */
    private static final int FAR = 1024;

    /**
     * The shape: op(A) is (m, k), op(B) is (k, n), C is (m, n).
     *
     * @param transposeA whether A is stored as (k, m)
     * @param transposeB whether B is stored as (n, k)
     */
    public record Spec(int m, int n, int k, boolean transposeA, boolean transposeB) {
        private boolean fits() {
            long widest = Math.max(m, Math.max(n, k));
            return m > 0 && n > 0 && 4 * widest * 64 < Integer.MAX_VALUE;
        }
    }

    private final Spec spec;
    private final Workers workers;
    private final Panels panels;
    private final Kernel[] kernels;
    private final Kernel[] packs;
    private final ProductFrame[] frames;
    private final int depth;
    private final int packDepth;
    private final int rowBlock;
    private final int panelGroups;
    private final long packedBytes;
    private final long partialBytes;
    private final Workers.Task packTask = this::pack;
    private final Workers.Task task = this::compute;

    private long a;
    private long b;
    private long scale;
    private long shift;
    private long residual;
    private long c;
    private long workspace;

    /** A plan; empty if the kernels do not take the shape: rows and columns may not be 0, no size above some millions. */
    public static Optional<EmittedProduct> of(Spec spec, Epilogue epilogue, Workers workers, InstructionSet set) {
        return spec.fits() ? Optional.of(new EmittedProduct(spec, epilogue, workers, set)) : Optional.empty();
    }

    /**
     * A' B as {@link WeightGradient} computes it, in blocks of rows of both: where columns of A are so far apart that they share few sets of the caches, or sums are long and
     * results too few to share out. Empty elsewhere. It is {@code run(b, a, c, workspace)}.
     */
    public static Optional<Conv> transposed(Spec s, Workers workers, InstructionSet set) {
        if (!s.transposeA || s.transposeB || !s.fits() || s.k < LONG || s.m % FAR != 0 && s.k < DEEP * Math.min(s.m, s.n)) {
            return Optional.empty();
        }
        ConvShape shape = new ConvShape(1, s.k, 1, s.n, s.m, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1);
        return WeightGradient.fits(shape) ? Optional.of(WeightGradient.of(shape, workers, set)) : Optional.empty();
    }

    private EmittedProduct(Spec s, Epilogue epilogue, Workers workers, InstructionSet set) {
        spec = s;
        this.workers = workers;
        panels = new Panels(set, s.n);
        ProductKernel.Rows rows = new ProductKernel.Rows.Even(s.transposeA ? 4 : 4 * s.k, s.transposeA ? 4 * s.m : 4, 4 * s.n, false);
        kernels = new Kernel[panels.count()];
        packs = new Kernel[panels.count()];
        int widest = 0;
        for (int p = 0; p < kernels.length; p++) {
            kernels[p] = Kernel.of(new ProductKernel(set, rows, panels.vectors(p), panels.columns(p), epilogue, false, false));
            packs[p] = Kernel.of(new PackKernel(set, s.transposeB, panels.columns(p), panels.width(p), false, 4 * (s.transposeB ? s.k : s.n)));
            widest = Math.max(widest, panels.width(p));
        }
        int k = Math.max(1, s.k);
        depth = Pieces.even(k, ProductKernel.LONGEST_SUM);
        packDepth = Pieces.even(k, Math.max(64, 65_536 / widest));
        int tile = ProductKernel.tileRows(set, panels.vectors(0));
        int most = Math.clamp(ROW_BYTES / 4 / depth, LEAST_ROWS, MOST_ROWS);
        int block = Math.ceilDiv(Pieces.even(s.m, most), tile) * tile;
        int groups = 1;
        while (chunks(block, groups) < 48 && work(block, groups) > ENOUGH || chunks(block, groups) < 8 && work(block, groups) > 2 * LEAST) {
            if (groups < panels.count()) {
                groups = Math.min(panels.count(), 2 * groups);
            } else if (block >= 2 * LEAST_ROWS) {
                block = Math.ceilDiv(block / 2, tile) * tile;
            } else {
                break;
            }
        }
        rowBlock = block;
        panelGroups = groups;
        packedBytes = 4L * s.k * panels.widths() + 63 & -64L;
        partialBytes = depth < s.k ? 4L * widest * Math.min(rowBlock, s.m) + 63 & -64L : 0;
        frames = new ProductFrame[workers.size()];
        Arrays.setAll(frames, i -> new ProductFrame());
    }

    private long chunks(int block, int groups) {
        return (long) Math.ceilDiv(spec.m, block) * groups;
    }

    private long work(int block, int groups) {
        return (long) Math.min(block, spec.m) * spec.n * spec.k / groups;
    }

    /** Scratch that {@link #run} needs, in bytes; should lie on a cache line. */
    public long workspaceBytes() {
        return packedBytes + workers.size() * partialBytes;
    }

    /**
     * Multiplies. C must not overlap an input, but for the residual, which it may be.
     *
     * @param scale a float per column, if the epilogue has one
     * @param shift a float per column, if the epilogue has one
     * @param residual of C's shape, if the epilogue has one
     */
    public void run(long a, long b, long scale, long shift, long residual, long c, long workspace) {
        this.a = a;
        this.b = b;
        this.scale = scale;
        this.shift = shift;
        this.residual = residual;
        this.c = c;
        this.workspace = workspace;
        workers.run(packTask, panels.count() * Math.ceilDiv(spec.k, packDepth));
        workers.run(task, Math.ceilDiv(spec.m, rowBlock) * panelGroups);
    }

    private long packed(int panel, int row) {
        return workspace + 4 * ((long) spec.k * panels.first(panel) + (long) row * panels.width(panel));
    }

    private void pack(int chunk, int worker) {
        int panel = chunk % panels.count();
        int row = chunk / panels.count() * packDepth;
        long from = spec.transposeB ? (long) panels.first(panel) * spec.k + row : (long) row * spec.n + panels.first(panel);
        packs[panel].run(b + 4 * from, packed(panel, row), Math.min(packDepth, spec.k - row), 0, 0, 0);
    }

    private void compute(int chunk, int worker) {
        int rowBlocks = Math.ceilDiv(spec.m, rowBlock);
        int row = chunk % rowBlocks * rowBlock;
        int rows = Math.min(rowBlock, spec.m - row);
        int group = chunk / rowBlocks;
        int last = (int) ((long) panels.count() * (group + 1) / panelGroups);
        ProductFrame f = frames[worker];
        f.set(ProductFrame.COUNT, rows).set(ProductFrame.TAPS, 1).set(ProductFrame.TAP_STEP, 0).set(ProductFrame.LINES, 1).set(ProductFrame.LINE_STEP, 0)
                .set(ProductFrame.PARTIAL, workspace + packedBytes + worker * partialBytes);
        for (int p = (int) ((long) panels.count() * group / panelGroups); p < last; p++) {
            long column = 4L * panels.first(p);
            long at = 4L * row * spec.n + column;
            f.set(ProductFrame.C, c + at).set(ProductFrame.BESIDE, residual + at).set(ProductFrame.SCALE, scale + column).set(ProductFrame.SHIFT, shift + column);
            int d = 0;
            do {
                f.set(ProductFrame.A, a + 4 * (spec.transposeA ? (long) d * spec.m + row : (long) row * spec.k + d));
                f.set(ProductFrame.B, packed(p, d)).depth(Math.min(depth, spec.k - d), ProductKernel.tileRows(panels.set(), panels.vectors(p)));
                f.set(ProductFrame.FLAGS, (d > 0 ? ProductFrame.CONTINUES : 0) | (d + depth < spec.k ? ProductFrame.STOPS : 0)).run(kernels[p]);
                d += depth;
            } while (d < spec.k);
        }
    }
}
