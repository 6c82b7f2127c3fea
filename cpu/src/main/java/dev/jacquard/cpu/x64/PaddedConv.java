package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Beside;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.PackedConv;
import dev.jacquard.cpu.Raw;
import dev.jacquard.cpu.Workers;
import java.util.Arrays;

/**
 * Forward convolution of images of few channels (a network's first): some lines of the image are copied to scratch with the padding around them, where a row of the kernel is one
 * run of memory for every output position. All kernel columns and channels are one tap then, long enough for a product. Packed weights are [panel][kernel row, kernel column,
 * channel][column].
 */
final class PaddedConv implements PackedConv {
    private static final int MOST_CHANNELS = 15;
    private static final int SCRATCH_BYTES = 128 << 10;
    private static final long WORK = 8_000_000;

    private final ConvShape s;
    private final Workers workers;
    private final Panels panels;
    private final Kernel[] kernels;
    private final Kernel[] streaming;
    private final int vectorBytes;
    private final Kernel[] packs;
    private final Kernel copy;
    private final Kernel blank;
    private final ProductFrame[] frames;
    private final int pitch;
    private final int lines;
    private final int blocks;
    private final long scratchBytes;
    private final ChannelSums sums;
    private final Workers.Task packTask = this::pack;
    private final Workers.Task task = this::compute;
    private final Runnable product = this::product;

    private long x;
    private long packed;
    private long scale;
    private long shift;
    private long residual;
    private long y;
    private long workspace;

    /** Whether a shape is computed this way: its windows' rows are runs of memory, and its channels alone would be a short product. */
    static boolean takes(ConvShape s) {
        return s.groups() == 1 && s.dilationW() == 1 && s.s() > 1 && s.c() <= MOST_CHANNELS && pitch(s) < 1 << 20 && s.k() < 1 << 20;
    }

    /** Bytes of a padded line, as far as windows reach. */
    private static long pitch(ConvShape s) {
        return 4L * ((s.ow() - 1L) * s.strideW() + s.s()) * s.c();
    }

    PaddedConv(ConvShape shape, Epilogue epilogue, Workers workers, InstructionSet set) {
        s = shape;
        this.workers = workers;
        panels = new Panels(set, s.k());
        pitch = (int) pitch(s);
        int width = pitch / 4;
        int left = Math.min(s.padLeft() * s.c(), width);
        int inside = Math.min(s.w() * s.c(), width - left);
        copy = Kernel.of(new PaddedRows(set, left, inside, width - left - inside, pitch, 4 * s.w() * s.c()));
        blank = Kernel.of(new PaddedRows(set, width, 0, 0, pitch, 0));
        kernels = new Kernel[panels.count()];
        streaming = new Kernel[panels.count()];
        vectorBytes = set.bytes();
        boolean large = DenseConv.streams(4L * s.n() * s.oh() * s.ow() * s.k(), s.k(), set);
        packs = new Kernel[panels.count()];
        ProductKernel.Rows rows = new ProductKernel.Rows.Even(4 * s.c() * s.strideW(), 4, 4 * s.k(), false);
        boolean shallow = ShallowKernel.takes(set, depth(), epilogue) && s.ow() >= ProductKernel.tileRows(set, 1);
        for (int p = 0; p < kernels.length; p++) {
            kernels[p] = Kernel.of(shallow ? shallow(p, epilogue, false) : new ProductKernel(set, rows, panels.vectors(p), panels.columns(p), epilogue, false, false));
            streaming[p] = !large ? kernels[p]
                    : Kernel.of(shallow ? shallow(p, epilogue, true) : new ProductKernel(set, rows, panels.vectors(p), panels.columns(p), epilogue, true, false));
            packs[p] = Kernel.of(new PackKernel(set, true, panels.columns(p), panels.width(p), false, 4 * depth()));
        }
        int most = Math.max(1, SCRATCH_BYTES / pitch / s.strideH());
        long perLine = (long) s.ow() * s.k() * depth();
        int wanted = Math.clamp(WORK / perLine, 1, most);
        lines = Pieces.even(s.oh(), wanted);
        blocks = Math.ceilDiv(s.oh(), lines);
        scratchBytes = Raw.align((long) pitch * inputLines(lines));
        frames = new ProductFrame[workers.size()];
        Arrays.setAll(frames, i -> shallow ? new ProductFrame(ShallowKernel.frameBytes(depth(), panels.vectors(panels.count() - 1))) : new ProductFrame());
        int[] pixels = new int[s.n() * blocks];
        Arrays.setAll(pixels, chunk -> linesOf(chunk) * s.ow());
        sums = ChannelSums.of(epilogue, set, 1, s.k(), pixels, workers);
    }

    private ShallowKernel shallow(int panel, Epilogue epilogue, boolean streams) {
        int vectors = panels.vectors(panel);
        return new ShallowKernel(s.s() * s.c(), s.r(), s.dilationH() * pitch, 4 * s.c() * s.strideW(), 4 * s.k(), ShallowKernel.tileRows(vectors, s.ow()), vectors,
                panels.columns(panel), epilogue, false, streams);
    }

    /** Output lines of a chunk. */
    private int linesOf(int chunk) {
        return Math.min(lines, s.oh() - chunk % blocks * lines);
    }

    private int depth() {
        return s.r() * s.s() * s.c();
    }

    private int inputLines(int outputLines) {
        return (outputLines - 1) * s.strideH() + s.dilationH() * (s.r() - 1) + 1;
    }

    @Override
    public long packedBytes() {
        return 4L * depth() * panels.widths();
    }

    @Override
    public long workspaceBytes() {
        return scratchBytes * workers.size() + ChannelSums.bytes(sums);
    }

    @Override
    public void beside(Beside operands) {
        sums.operands(operands);
    }

    @Override
    public void pack(long weight, long to) {
        x = weight;
        packed = to;
        workers.run(packTask, panels.count());
    }

    private void pack(int panel, int worker) {
        packs[panel].run(x + 4L * panels.first(panel) * depth(), packed + 4L * panels.first(panel) * depth(), depth(), 0, 0, 0);
    }

    @Override
    public void run(long in, long weights, long scales, long shifts, long added, long out, long scratch) {
        x = in;
        packed = weights;
        scale = scales;
        shift = shifts;
        residual = added;
        y = out;
        workspace = scratch;
        ChannelSums.run(sums, scratch + scratchBytes * workers.size(), product);
    }

    private void product() {
        workers.run(task, s.n() * blocks);
    }

    private void compute(int chunk, int worker) {
        int n = chunk / blocks;
        int line = chunk % blocks * lines;
        int count = linesOf(chunk);
        long scratch = workspace + worker * scratchBytes;
        pad(n, line, count, scratch);
        ProductFrame f = frames[worker];
        int run = 4 * s.s() * s.c();
        f.set(ProductFrame.A, scratch).set(ProductFrame.COUNT, s.ow()).set(ProductFrame.LINES, count)
                .set(ProductFrame.LINE_STEP, (long) s.strideH() * pitch - 4L * s.strideW() * s.c() * s.ow());
        f.set(ProductFrame.TAPS, s.r()).set(ProductFrame.TAP_STEP, (long) s.dilationH() * pitch - run).set(ProductFrame.FLAGS, 0);
        for (int p = 0; p < kernels.length; p++) {
            long column = 4L * panels.first(p);
            long at = 4L * ((long) n * s.oh() + line) * s.ow() * s.k() + column;
            f.depth(s.s() * s.c(), ProductKernel.tileRows(panels.set(), panels.vectors(p))).set(ProductFrame.B, packed + column * depth()).set(ProductFrame.C, y + at)
                    .set(ProductFrame.BESIDE, residual + at).set(ProductFrame.SCALE, scale + column).set(ProductFrame.SHIFT, shift + column);
            if (sums != null) {
                sums.open(f, chunk, 0, panels.first(p) / panels.set().lanes(), panels.vectors(p));
            }
            f.run((y & vectorBytes - 1) == 0 ? streaming[p] : kernels[p]);
        }
    }

    /** Copies the lines that some output lines read, those outside of the image as zeros. */
    private void pad(int n, int line, int count, long scratch) {
        int first = line * s.strideH() - s.padTop();
        int all = inputLines(count);
        int low = Math.clamp(-(long) first, 0, all);
        int high = Math.clamp((long) s.h() - first, low, all);
        blank.run(scratch, x, low, 0, 0, 0);
        copy.run(scratch + (long) low * pitch, x + 4L * ((long) n * s.h() + first + low) * s.w() * s.c(), high - low, 0, 0, 0);
        blank.run(scratch + (long) high * pitch, x, all - high, 0, 0, 0);
    }
}
