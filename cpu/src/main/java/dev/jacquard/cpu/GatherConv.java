package dev.jacquard.cpu;

/**
 * Forward convolution and backward of data as an implicit matrix product over packed weights.
 *
 * <p>Three ways to feed the tile kernel, chosen by shape:
 * <ul>
 *   <li>by position: the rows of a tile are the images at one output position, one tile call per tap inside the image.
 *       Padding costs nothing; on small maps most taps are padding.
 *   <li>by rows: blocks of output positions in memory order, their input windows copied to scratch with zeros outside.
 *   <li>pointwise: as by rows, but the input itself is the matrix.
 * </ul>
 */
final class GatherConv implements Conv {
    private static final int ROW_BLOCK = 96;
    private static final int ROW_DEPTH = 512;
    private static final int IMAGE_BYTES = 256 << 10;
    private static final int PANEL_BYTES = 384 << 10;

    private final Simd simd;
    private final Workers workers;
    private final GatherPlan plan;
    private final int in;
    private final int out;
    private final int panels;
    private final int taps;
    private final int[] tapR;
    private final int[] tapS;
    private final Phase[] phases;
    private final int chunks;
    private final int blockRows;
    private final int blocks;
    private final int group;
    private final boolean byPosition;
    private final boolean pointwise;
    private final boolean tapOutermost;
    private final long groupBytes;
    private final long packedBytes;
    private final long partBytes;
    private final Workers.Task pack = this::pack;
    private final Workers.Task compute;

    private long from;
    private long weight;
    private long to;
    private long workspace;

    /** One pair of row and column phases; tap indices are relative to {@code tap}, the first of its packed taps. */
    private record Phase(TapAxis rows, TapAxis columns, int tap, int taps, int positions, boolean dense, boolean runs, int firstChunk, int blocks) {}

    GatherConv(GatherPlan plan, Workers workers, Simd simd) {
        this.plan = plan;
        this.workers = workers;
        this.simd = simd;
        in = plan.groupIn();
        out = plan.groupOut();
        panels = Tiling.panels(simd, out);
        taps = plan.taps();
        tapR = new int[taps];
        tapS = new int[taps];
        pointwise = plan.pointwise();
        byPosition = !pointwise && prefersPositions(plan);
        tapOutermost = 4L * taps * in * simd.panel() > PANEL_BYTES;
        group = byPosition ? 1 : pointwise ? panelsAtOnce() : panels;
        blockRows = byPosition ? imageBlock() : rowBlock();
        blocks = Tiling.ceil(plan.n(), blockRows);
        phases = new Phase[plan.rows().length * plan.columns().length];
        int rowChunks = layPhases();
        chunks = byPosition ? blocks * plan.groups() * panels : rowChunks;
        compute = byPosition ? this::positions : this::rows;
        groupBytes = 4 * Tiling.packedFloats(simd, taps * in, out);
        packedBytes = Raw.align(groupBytes * plan.groups());
        partBytes = Raw.align(Tiling.scratchBytes(simd) + (byPosition || pointwise ? 0 : 4L * blockRows * Math.max(ROW_DEPTH, in)));
    }

    private static boolean prefersPositions(GatherPlan plan) {
        if (plan.n() < 6) {
            return false;
        }
        double worth = plan.n() < 12 ? 0.75 : plan.groupIn() < 32 ? 0.8 : 0.95;
        return plan.usefulShare() < worth;
    }

    private int imageBlock() {
        long image = 4L * plan.inH() * plan.inW() * in;
        int block = (int) Math.max(12, Math.min(plan.n(), IMAGE_BYTES / Math.max(1, image) / 6 * 6));
        while (block > 12 && Tiling.ceil(plan.n(), block) * plan.groups() * panels < 4 * workers.size()) {
            block = Math.max(12, block / 2 / 6 * 6);
        }
        return Math.min(block, plan.n());
    }

    /** Panels per chunk without packing of rows: many, so that A is read once and C written whole, unless too few chunks remain. */
    private int panelsAtOnce() {
        int rowBlocks = Tiling.ceil(plan.n() * plan.outH() * plan.outW(), ROW_BLOCK);
        int count = Math.min(panels, 8);
        while (count > 1 && rowBlocks * Tiling.ceil(panels, count) * plan.groups() < 4 * workers.size()) {
            count = Tiling.ceil(count, 2);
        }
        return count;
    }

    private int rowBlock() {
        long rows = (long) plan.n() * plan.outH() * plan.outW();
        int block = ROW_BLOCK;
        while (block > 12 && (rows + block - 1) / block * plan.groups() * (panels / group) < 4L * workers.size()) {
            block = Math.max(12, block / 2 / 6 * 6);
        }
        return block;
    }

    private int layPhases() {
        int tap = 0;
        int chunk = 0;
        int p = 0;
        for (TapAxis row : plan.rows()) {
            for (TapAxis column : plan.columns()) {
                int first = tap;
                for (int r : row.taps()) {
                    for (int s : column.taps()) {
                        tapR[tap] = r;
                        tapS[tap++] = s;
                    }
                }
                int positions = plan.n() * row.count() * column.count();
                int count = Tiling.ceil(positions, blockRows);
                boolean runs = plan.groups() == 1 && column.contiguous();
                boolean dense = row.step() == 1 && column.step() == 1;
                phases[p++] = new Phase(row, column, first, tap - first, positions, dense, runs, chunk, count);
                chunk += count * plan.groups() * Tiling.ceil(panels, group);
            }
        }
        return chunk;
    }

    @Override
    public long workspaceBytes() {
        return packedBytes + workers.size() * partBytes;
    }

    @Override
    public void run(long first, long second, long result, long scratch) {
        from = first;
        weight = second;
        to = result;
        workspace = scratch;
        workers.run(pack, plan.groups() * panels * taps);
        workers.run(compute, chunks);
    }

    private long packed(int g, int panel) {
        return workspace + g * groupBytes + 4L * taps * in * panel * simd.panel();
    }

    private void pack(int chunk, int worker) {
        int t = chunk % taps;
        int panel = chunk / taps % panels;
        int g = chunk / taps / panels;
        int columns = Tiling.columns(simd, out, panel);
        long row = 4L * Tiling.width(simd, out, panel);
        long dst = packed(g, panel) + t * in * row;
        long tap = (long) tapR[t] * plan.s() + tapS[t];
        int all = plan.r() * plan.s();
        if (columns * 4L != row) {
            simd.fill(dst, in * row / 4, 0);
        }
        long j = (long) panel * simd.panel();
        if (plan.backward()) {
            simd.copyRows(in, columns, weight + 4 * (((long) g * in * all + tap) * out + j), 4L * all * out, dst, row);
        } else {
            simd.transpose(columns, in, weight + 4 * ((((long) g * out + j) * all + tap) * in), 4L * all * in, dst, row);
        }
    }

    private void positions(int chunk, int worker) {
        int n0 = chunk % blocks * blockRows;
        int images = Math.min(blockRows, plan.n() - n0);
        int panel = chunk / blocks % panels;
        int g = chunk / blocks / panels;
        long scratch = workspace + packedBytes + worker * partBytes;
        for (Phase phase : phases) {
            if (tapOutermost) {
                for (int t = 0; t < phase.taps; t++) {
                    for (int i = 0; i < phase.rows.count(); i++) {
                        for (int j = 0; j < phase.columns.count(); j++) {
                            position(phase, i, j, t, t + 1, n0, images, g, panel, scratch);
                        }
                    }
                }
            } else {
                for (int i = 0; i < phase.rows.count(); i++) {
                    for (int j = 0; j < phase.columns.count(); j++) {
                        position(phase, i, j, 0, phase.taps, n0, images, g, panel, scratch);
                    }
                }
            }
            clear(phase, n0, images, g, panel);
        }
    }

    private long outAt(int n, Phase phase, int i, int j, int g, int panel) {
        long row = (long) n * plan.outH() + phase.rows.first() + (long) i * phase.rows.step();
        long at = row * plan.outW() + phase.columns.first() + (long) j * phase.columns.step();
        return to + 4 * (at * plan.outC() + (long) g * out + (long) panel * simd.panel());
    }

    private long inAt(int n, int ih, int iw, int g) {
        return from + 4 * ((((long) n * plan.inH() + ih) * plan.inW() + iw) * plan.inC() + (long) g * in);
    }

    /** Taps t0 to t1 of one output position, all images of a block; the first tap inside overwrites, the others add. */
    private void position(Phase phase, int i, int j, int t0, int t1, int n0, int images, int g, int panel, long scratch) {
        int across = phase.columns.taps().length;
        int first = phase.rows.low()[i] * across + phase.columns.low()[j];
        long b = packed(g, panel);
        long width = 4L * Tiling.width(simd, out, panel);
        int columns = Tiling.columns(simd, out, panel);
        long inImage = 4L * plan.inH() * plan.inW() * plan.inC();
        long outImage = 4L * plan.outH() * plan.outW() * plan.outC();
        long c = outAt(n0, phase, i, j, g, panel);
        for (int t = t0; t < t1; t++) {
            int ih = phase.rows.at(i, t / across);
            int iw = phase.columns.at(j, t % across);
            if (ih < 0 || iw < 0) {
                continue;
            }
            long a = inAt(n0, ih, iw, g);
            long bt = b + (phase.tap + t) * in * width;
            for (int k = 0; k < in; k += ROW_DEPTH) {
                Tiling.rows(simd, images, columns, Math.min(ROW_DEPTH, in - k), a + 4L * k, inImage, 4, bt + k * width, width,
                        c, outImage, t > first || k > 0, scratch);
            }
        }
    }

    private void clear(Phase phase, int n0, int images, int g, int panel) {
        for (int i = 0; i < phase.rows.count(); i++) {
            for (int j = 0; j < phase.columns.count(); j++) {
                if (phase.rows.empty(i) || phase.columns.empty(j)) {
                    for (int n = n0; n < n0 + images; n++) {
                        simd.fill(outAt(n, phase, i, j, g, panel), Tiling.columns(simd, out, panel), 0);
                    }
                }
            }
        }
    }

    private void rows(int chunk, int worker) {
        int p = phases.length - 1;
        while (phases[p].firstChunk > chunk) {
            p--;
        }
        Phase phase = phases[p];
        int local = chunk - phase.firstChunk;
        int row = local % phase.blocks * blockRows;
        int rows = Math.min(blockRows, phase.positions - row);
        int panelGroups = Tiling.ceil(panels, group);
        int panel0 = local / phase.blocks % panelGroups * group;
        int panel1 = Math.min(panels, panel0 + group);
        int g = local / phase.blocks / panelGroups;
        long scratch = workspace + packedBytes + worker * partBytes;
        long buffer = scratch + Tiling.scratchBytes(simd);
        int tapsAtOnce = Tiling.step(phase.taps, Math.max(1, ROW_DEPTH / in));
        int depth = tapsAtOnce > 1 ? in : Tiling.step(in, ROW_DEPTH);
        if (phase.taps == 0) {
            scatter(phase, row, rows, 0, 0, 0, 0, panel0, panel1, g, scratch, false);
        }
        for (int t = 0; t < phase.taps; t += tapsAtOnce) {
            int t1 = Math.min(phase.taps, t + tapsAtOnce);
            for (int k = 0; k < in; k += depth) {
                int part = Math.min(depth, in - k);
                long a;
                long aRow;
                if (pointwise) {
                    a = from + 4 * ((long) row * plan.inC() + (long) g * in + k);
                    aRow = 4L * plan.inC();
                } else {
                    a = buffer;
                    aRow = 4L * (t1 - t) * part;
                    gather(phase, row, rows, t, t1, k, part, g, buffer);
                }
                int bRow = (phase.tap + t) * in + k;
                scatter(phase, row, rows, (t1 - t) * part, a, aRow, bRow, panel0, panel1, g, scratch, t > 0 || k > 0);
            }
        }
    }

    /** Copies the input windows of some output positions, taps t0 to t1, channels k to k + part, zero outside of the image. */
    private void gather(Phase phase, int row, int rows, int t0, int t1, int k, int part, int g, long buffer) {
        int across = phase.columns.taps().length;
        int j = row % phase.columns.count();
        int i = row / phase.columns.count() % phase.rows.count();
        int n = row / phase.columns.count() / phase.rows.count();
        long dst = buffer;
        for (int left = rows; left > 0; left--) {
            for (int t = t0; t < t1;) {
                int r = t / across;
                int s0 = t - r * across;
                int s1 = Math.min(across, s0 + t1 - t);
                segment(phase, n, i, j, r, s0, s1, k, part, g, dst);
                dst += 4L * (s1 - s0) * part;
                t += s1 - s0;
            }
            if (++j == phase.columns.count()) {
                j = 0;
                if (++i == phase.rows.count()) {
                    i = 0;
                    n++;
                }
            }
        }
    }

    private void segment(Phase phase, int n, int i, int j, int r, int s0, int s1, int k, int part, int g, long dst) {
        int ih = phase.rows.at(i, r);
        int low = Math.min(s1, Math.max(s0, phase.columns.low()[j]));
        int high = Math.min(s1, phase.columns.high()[j]);
        if (ih < 0 || low >= high) {
            simd.fill(dst, (long) (s1 - s0) * part, 0);
            return;
        }
        if (low > s0) {
            simd.fill(dst, (long) (low - s0) * part, 0);
        }
        if (phase.runs && part == in) {
            simd.copyRows(1, (high - low) * part, inAt(n, ih, phase.columns.at(j, low), g), 0, dst + 4L * (low - s0) * part, 0);
        } else {
            for (int s = low; s < high; s++) {
                simd.copyRows(1, part, inAt(n, ih, phase.columns.at(j, s), g) + 4L * k, 0, dst + 4L * (s - s0) * part, 0);
            }
        }
        if (high < s1) {
            simd.fill(dst + 4L * (high - s0) * part, (long) (s1 - high) * part, 0);
        }
    }

    /** Multiplies a block of rows with some panels into the output positions of the phase; depth 0 writes zeros. */
    private void scatter(Phase phase, int row, int rows, int depth, long a, long aRow, int bRow, int panel0, int panel1, int g, long scratch, boolean accumulate) {
        for (int panel = panel0; panel < panel1; panel++) {
            int columns = Tiling.columns(simd, out, panel);
            long width = 4L * Tiling.width(simd, out, panel);
            long b = packed(g, panel) + bRow * width;
            for (int done = 0; done < rows;) {
                int at = row + done;
                int j = at % phase.columns.count();
                int line = at / phase.columns.count();
                int count = phase.dense ? rows - done : Math.min(rows - done, phase.columns.count() - j);
                long c = outAt(line / phase.rows.count(), phase, line % phase.rows.count(), j, g, panel);
                long cRow = 4L * plan.outC() * phase.columns.step();
                Tiling.rows(simd, count, columns, depth, a + done * aRow, aRow, 4, b, width, c, cRow, accumulate, scratch);
                done += count;
            }
        }
    }
}
