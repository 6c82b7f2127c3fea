package dev.jacquard.cpu;

/**
 * C = op(A) op(B) [+ C] in float32, row-major, at native addresses; a plan for one shape, run any number of times.
 *
 * <p>B is packed into panels of four vectors, A is read where it lies (packed only when transposed). Each element of C is
 * summed by one thread in an order fixed by K alone: bitwise the same for every thread count. A run allocates nothing.
 * A plan is not for two threads at once.
 */
public final class Gemm {
    private static final int ROW_BLOCK = 96;
    private static final int PANEL_GROUP = 8;

    private final Simd simd;
    private final Workers workers;
    private final Spec spec;
    private final int depth;
    private final int rowBlock;
    private final int rowBlocks;
    private final int panels;
    private final int group;
    private final int groups;
    private final int depths;
    private final long packedBytes;
    private final long partBytes;
    private final Workers.Task pack = this::pack;
    private final Workers.Task multiply = this::multiply;

    private long a;
    private long b;
    private long c;
    private long workspace;

    /**
     * The shape: op(A) is (m, k), op(B) is (k, n), C is (m, n).
     *
     * @param lda floats from one stored row of A to the next (stored (k, m) when transposeA)
     * @param ldb floats from one stored row of B to the next (stored (n, k) when transposeB)
     * @param ldc floats from one row of C to the next
     * @param accumulate whether C is added to; otherwise it is overwritten
     */
    public record Spec(int m, int n, int k, boolean transposeA, boolean transposeB, int lda, int ldb, int ldc, boolean accumulate) {
        /** Densely stored operands, C overwritten. */
        public static Spec dense(int m, int n, int k, boolean transposeA, boolean transposeB) {
            return new Spec(m, n, k, transposeA, transposeB, transposeA ? m : k, transposeB ? k : n, n, false);
        }
    }

    /** Plans a product. */
    public Gemm(Spec spec, Workers workers, Simd simd) {
        this.spec = spec;
        this.workers = workers;
        this.simd = simd;
        depth = Tiling.step(spec.k, Tiling.DEPTH);
        depths = Tiling.ceil(spec.k, depth);
        panels = Tiling.panels(simd, spec.n);
        int wanted = 4 * workers.size();
        int size = ROW_BLOCK;
        int columns = Math.min(panels, PANEL_GROUP);
        while (columns > 1 && Tiling.ceil(spec.m, size) * Tiling.ceil(panels, columns) < wanted) {
            columns = Tiling.ceil(columns, 2);
        }
        while (size > 12 && Tiling.ceil(spec.m, size) * Tiling.ceil(Math.max(1, panels), Math.max(1, columns)) < wanted) {
            size = Math.max(12, size / 2 / 6 * 6);
        }
        rowBlock = size;
        rowBlocks = Tiling.ceil(spec.m, size);
        group = Math.max(1, columns);
        groups = Tiling.ceil(panels, group);
        packedBytes = Raw.align(4 * Tiling.packedFloats(simd, spec.k, spec.n));
        partBytes = Raw.align(Tiling.scratchBytes(simd) + (spec.transposeA ? 4L * depth * rowBlock : 0));
    }

    /** Scratch that {@link #run} needs, in bytes. */
    public long workspaceBytes() {
        return packedBytes + workers.size() * partBytes;
    }

    /** Multiplies. Operands and C must not overlap; the workspace should lie on a cache line. */
    public void run(long a, long b, long c, long workspace) {
        if (spec.m == 0 || spec.n == 0) {
            return;
        }
        this.a = a;
        this.b = b;
        this.c = c;
        this.workspace = workspace;
        if (spec.k == 0) {
            if (!spec.accumulate) {
                for (int i = 0; i < spec.m; i++) {
                    simd.fill(c + 4L * i * spec.ldc, spec.n, 0);
                }
            }
            return;
        }
        workers.run(pack, panels * depths);
        workers.run(multiply, rowBlocks * groups);
    }

    private long packed(int panel) {
        return workspace + 4L * spec.k * panel * simd.panel();
    }

    private void pack(int chunk, int worker) {
        int panel = chunk % panels;
        int p = chunk / panels * depth;
        int k = Math.min(depth, spec.k - p);
        int columns = Tiling.columns(simd, spec.n, panel);
        long row = 4L * Tiling.width(simd, spec.n, panel);
        long to = packed(panel) + p * row;
        long j = (long) panel * simd.panel();
        if (columns * 4L != row) {
            simd.fill(to, k * row / 4, 0);
        }
        if (spec.transposeB) {
            simd.transpose(columns, k, b + 4 * (j * spec.ldb + p), 4L * spec.ldb, to, row);
        } else {
            simd.copyRows(k, columns, b + 4 * ((long) p * spec.ldb + j), 4L * spec.ldb, to, row);
        }
    }

    private void multiply(int chunk, int worker) {
        int i = chunk % rowBlocks * rowBlock;
        int rows = Math.min(rowBlock, spec.m - i);
        int first = chunk / rowBlocks * group;
        int last = Math.min(panels, first + group);
        long scratch = workspace + packedBytes + worker * partBytes;
        long aPacked = scratch + Tiling.scratchBytes(simd);
        for (int p = 0; p < spec.k; p += depth) {
            int k = Math.min(depth, spec.k - p);
            long from;
            long aRow;
            long aStep;
            if (spec.transposeA) {
                simd.copyRows(k, rows, a + 4 * ((long) p * spec.lda + i), 4L * spec.lda, aPacked, 4L * rows);
                from = aPacked;
                aRow = 4;
                aStep = 4L * rows;
            } else {
                from = a + 4 * ((long) i * spec.lda + p);
                aRow = 4L * spec.lda;
                aStep = 4;
            }
            for (int panel = first; panel < last; panel++) {
                long row = 4L * Tiling.width(simd, spec.n, panel);
                Tiling.rows(simd, rows, Tiling.columns(simd, spec.n, panel), k, from, aRow, aStep, packed(panel) + p * row, row,
                        c + 4 * ((long) i * spec.ldc + (long) panel * simd.panel()), 4L * spec.ldc, p > 0 || spec.accumulate, scratch);
            }
        }
    }
}
