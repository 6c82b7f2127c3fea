package dev.jacquard.cpu;

/**
 * Backward of weight: dw[k, tap, c] = sum over images and positions of dy[position, k] * x[tap(position), c].
 *
 * <p>The work is cut into disjoint tiles of dw, (output channels) x (one tap, some channels), so that no two chunks ever
 * add into the same place and the order of each sum is fixed. A tile walks the positions whose tap lies inside the image in
 * blocks, copies both operands' rows to scratch and multiplies them transposed. With few channels (an image stem) the
 * columns of a tile are a whole kernel row, (S, C), zeros filled in outside.
 */
final class WeightGradientConv implements Conv {
    private static final int K_BLOCK = 192;

    /** Chunks aimed at. A constant, so that the order of summation does not depend on the thread count. */
    private static final int CHUNKS = 16;
    private static final int PARTIAL_BYTES = 8 << 20;
    private static final int PIECE = 16_384;

    private final Simd simd;
    private final Workers workers;
    private final ConvShape shape;
    private final boolean flat;
    private final int kBlock;
    private final int kBlocks;
    private final int panels;
    private final int group;
    private final int groups;
    private final int units;
    private final int tiles;
    private final int splits;
    private final long gradientFloats;
    private final long aBytes;
    private final long bBytes;
    private final long partBytes;
    private final Workers.Task compute = this::compute;
    private final Workers.Task add = this::add;

    private long x;
    private long dy;
    private long dw;
    private long workspace;

    WeightGradientConv(ConvShape shape, Workers workers, Simd simd) {
        this.shape = shape;
        this.workers = workers;
        this.simd = simd;
        flat = shape.groups() == 1 && shape.dilationW() == 1 && shape.s() > 1 && 2 * shape.c() <= simd.panel();
        int columns = flat ? shape.s() * shape.c() : shape.groupC();
        panels = Tiling.panels(simd, columns);
        units = flat ? shape.r() : shape.r() * shape.s();
        kBlock = shape.groupK() <= K_BLOCK ? shape.groupK() : Tiling.ceil(Tiling.step(shape.groupK(), K_BLOCK), Simd.TILE_ROWS) * Simd.TILE_ROWS;
        kBlocks = Tiling.ceil(shape.groupK(), kBlock);
        group = Math.min(4, panels);
        groups = Tiling.ceil(panels, group);
        tiles = shape.groups() * units * kBlocks * groups;
        gradientFloats = (long) shape.k() * shape.r() * shape.s() * shape.groupC();
        splits = splits();
        aBytes = 4L * Tiling.DEPTH * kBlock;
        bBytes = 4L * Tiling.DEPTH * group * simd.panel();
        partBytes = Raw.align(Tiling.scratchBytes(simd) + aBytes + bBytes);
    }

    /** Positions are split among chunks only when there are few tiles: each split but the first sums into a copy of dw. */
    private int splits() {
        long positions = (long) shape.n() * shape.oh() * shape.ow();
        long most = Math.min(positions / (2 * Tiling.DEPTH), 1 + PARTIAL_BYTES / (4 * gradientFloats));
        return (int) Math.max(1, Math.min(most, Tiling.ceil(CHUNKS, tiles)));
    }

    @Override
    public long workspaceBytes() {
        return workers.size() * partBytes + (splits - 1) * Raw.align(4 * gradientFloats);
    }

    @Override
    public void run(long first, long second, long out, long scratch) {
        x = first;
        dy = second;
        dw = out;
        workspace = scratch;
        workers.run(compute, tiles * splits);
        if (splits > 1) {
            workers.run(add, Math.toIntExact((gradientFloats + PIECE - 1) / PIECE));
        }
    }

    private long partial(int split) {
        return split == 0 ? dw : workspace + workers.size() * partBytes + (split - 1) * Raw.align(4 * gradientFloats);
    }

    private void add(int chunk, int worker) {
        long at = 4L * chunk * PIECE;
        long count = Math.min(PIECE, gradientFloats - (long) chunk * PIECE);
        for (int split = 1; split < splits; split++) {
            simd.addTo(partial(split) + at, dw + at, count);
        }
    }

    private static int firstInside(int pad, int offset, int stride) {
        return Math.max(0, Tiling.ceil(Math.max(0, pad - offset), stride));
    }

    private static int endInside(int pad, int offset, int stride, int in, int out) {
        int last = in - 1 + pad - offset;
        return last < 0 ? 0 : Math.min(out, last / stride + 1);
    }

    private void compute(int item, int worker) {
        int split = item / tiles;
        int chunk = item % tiles;
        int unit = chunk % units;
        int k0 = chunk / units % kBlocks * kBlock;
        int p0 = chunk / units / kBlocks % groups * group;
        int g = chunk / units / kBlocks / groups;
        int r = flat ? unit : unit / shape.s();
        int s = flat ? 0 : unit % shape.s();
        int ks = Math.min(kBlock, shape.groupK() - k0);
        int oh0 = firstInside(shape.padTop(), r * shape.dilationH(), shape.strideH());
        int oh1 = endInside(shape.padTop(), r * shape.dilationH(), shape.strideH(), shape.h(), shape.oh());
        int ow0 = flat ? 0 : firstInside(shape.padLeft(), s * shape.dilationW(), shape.strideW());
        int ow1 = flat ? shape.ow() : endInside(shape.padLeft(), s * shape.dilationW(), shape.strideW(), shape.w(), shape.ow());
        long scratch = workspace + worker * partBytes;
        long total = (long) shape.n() * Math.max(0, oh1 - oh0) * Math.max(0, ow1 - ow0);
        long columns = flat ? (long) shape.s() * shape.c() : shape.groupC();
        long row = 4L * shape.r() * shape.s() * shape.groupC();
        long c = partial(split) + ((long) g * shape.groupK() + k0) * row + 4L * unit * columns;
        long begin = total * split / splits;
        long end = total * (split + 1) / splits;
        if (begin == end) {
            clear(ks, p0, c, row);
            return;
        }
        simd.fill(scratch + Tiling.scratchBytes(simd) + aBytes, bBytes / 4, 0);
        for (long p = begin; p < end; p += Tiling.DEPTH) {
            int count = (int) Math.min(Tiling.DEPTH, end - p);
            fetch(p, count, g, k0, ks, p0, r, s, oh0, oh1, ow0, ow1, scratch);
            multiply(count, ks, p0, c, row, p > begin, scratch);
        }
    }

    private void clear(int ks, int p0, long c, long row) {
        int first = p0 * simd.panel();
        int count = Math.min(columns() - first, group * simd.panel());
        for (int k = 0; k < ks; k++) {
            simd.fill(c + k * row + 4L * first, count, 0);
        }
    }

    private int columns() {
        return flat ? shape.s() * shape.c() : shape.groupC();
    }

    private void multiply(int count, int ks, int p0, long c, long row, boolean accumulate, long scratch) {
        long a = scratch + Tiling.scratchBytes(simd);
        long b = a + aBytes;
        for (int panel = p0; panel < Math.min(panels, p0 + group); panel++) {
            long width = 4L * Tiling.width(simd, columns(), panel);
            Tiling.rows(simd, ks, Tiling.columns(simd, columns(), panel), count, a, 4, 4L * ks,
                    b + 4L * Tiling.DEPTH * (panel - p0) * simd.panel(), width, c + 4L * panel * simd.panel(), row, accumulate, scratch);
        }
    }

    /** Copies rows p to p + count of both operands. The innermost axis is the longer of images and columns, so that copies come in long runs. */
    private void fetch(long p, int count, int g, int k0, int ks, int p0, int r, int s, int oh0, int oh1, int ow0, int ow1, long scratch) {
        int width = ow1 - ow0;
        int height = oh1 - oh0;
        boolean images = !flat && shape.n() > width;
        int inner = images ? shape.n() : width;
        int middle = images ? width : height;
        long at = p / inner;
        int i = (int) (p % inner);
        int m = (int) (at % middle);
        int o = (int) (at / middle);
        long a = scratch + Tiling.scratchBytes(simd);
        for (int done = 0; done < count;) {
            int run = Math.min(inner - i, count - done);
            int n = images ? i : o;
            int oh = oh0 + (images ? o : m);
            int ow = ow0 + (images ? m : i);
            long dyAt = dy + 4 * ((((long) n * shape.oh() + oh) * shape.ow() + ow) * shape.k() + (long) g * shape.groupK() + k0);
            long dyStep = images ? 4L * shape.oh() * shape.ow() * shape.k() : 4L * shape.k();
            simd.copyRows(run, ks, dyAt, dyStep, a + 4L * done * ks, 4L * ks);
            int ih = oh * shape.strideH() - shape.padTop() + r * shape.dilationH();
            int iw = ow * shape.strideW() - shape.padLeft() + s * shape.dilationW();
            if (flat) {
                kernelRows(run, n, ih, iw, done, p0, a + aBytes);
            } else {
                long xStep = images ? 4L * shape.h() * shape.w() * shape.c() : 4L * shape.strideW() * shape.c();
                taps(run, pixel(n, ih, iw) + 4L * g * shape.groupC(), xStep, done, p0, a + aBytes);
            }
            done += run;
            i = 0;
            if (++m == middle) {
                m = 0;
                o++;
            }
        }
    }

    private long pixel(int n, int ih, int iw) {
        return x + 4 * ((((long) n * shape.h() + ih) * shape.w() + iw) * shape.c());
    }

    private void taps(int run, long from, long step, int done, int p0, long b) {
        for (int panel = p0; panel < Math.min(panels, p0 + group); panel++) {
            long width = 4L * Tiling.width(simd, columns(), panel);
            simd.copyRows(run, Tiling.columns(simd, columns(), panel), from + 4L * panel * simd.panel(), step,
                    b + 4L * Tiling.DEPTH * (panel - p0) * simd.panel() + done * width, width);
        }
    }

    /** Whole kernel rows (S, C) of consecutive output columns: those inside the image in one go, the others piecewise. */
    private void kernelRows(int run, int n, int ih, int iw, int done, int p0, long b) {
        int stride = shape.strideW();
        int before = Math.min(run, iw >= 0 ? 0 : Tiling.ceil(-iw, stride));
        int room = shape.w() - shape.s() - iw;
        int inside = Math.max(before, Math.min(run, room < 0 ? 0 : room / stride + 1));
        for (int panel = p0; panel < Math.min(panels, p0 + group); panel++) {
            int first = panel * simd.panel();
            int columns = Tiling.columns(simd, columns(), panel);
            long width = 4L * Tiling.width(simd, columns(), panel);
            long to = b + 4L * Tiling.DEPTH * (panel - p0) * simd.panel() + done * width;
            for (int i = 0; i < before; i++) {
                clipped(n, ih, iw + i * stride, first, columns, to + i * width);
            }
            simd.copyRows(inside - before, columns, pixel(n, ih, iw + before * stride) + 4L * first, 4L * stride * shape.c(), to + before * width, width);
            for (int i = inside; i < run; i++) {
                clipped(n, ih, iw + i * stride, first, columns, to + i * width);
            }
        }
    }

    private void clipped(int n, int ih, int iw, int first, int columns, long to) {
        simd.fill(to, columns, 0);
        int low = Math.max(first, -iw * shape.c());
        int high = Math.min(first + columns, (shape.w() - iw) * shape.c());
        if (high > low) {
            simd.copyRows(1, high - low, pixel(n, ih, iw) + 4L * low, 0, to + 4L * (low - first), 0);
        }
    }
}
