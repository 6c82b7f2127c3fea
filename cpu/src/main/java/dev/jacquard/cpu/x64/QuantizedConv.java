package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.PackedConv;
import dev.jacquard.cpu.Raw;
import dev.jacquard.cpu.Workers;
import dev.jacquard.tensor.op.Nonlinearity;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * A convolution of signed bytes, NHWC and KRSC, with 32-bit sums that are exact, then {@code activation(sum * scale[k] + shift[k] + residualScale * r)} in F32, stored as floats
 * or as bytes (rounded half to even,
 * saturated, NaN as 0). A matrix product is the convolution of an image that is one pixel wide.
 *
 * <p>The instructions multiply unsigned bytes by signed ones. Images are made unsigned by adding 128 (a turn of the sign bit, while they are copied or loaded); the sums are
 * corrected by 128 times the sum of a
 * channel's weights, which is computed with their packing. Padding is 0, that is 128.
 *
 * <p>Blocks of pixels times parts of the channels are the chunks of work: {@link ByteBlocks}. Blocks that are not read in place are copied to padded rows in the worker's own
 * scratch, so that pixels may be tiled
 * across rows and images: a tile is any {@code rows} pixels, whose offsets are in a table.
 */
public final class QuantizedConv implements PackedConv {
    /** Chunks that a run should have at least, if there is so much work. */
    private static final int CHUNKS = 12;

    private final ConvShape shape;
    private final ByteEpilogue epilogue;
    private final ByteDot dot;
    private final Workers workers;
    private final ByteBlocks blocks;
    private final ByteKernel[] specs = new ByteKernel[2];
    private final Kernel[] kernels = new Kernel[2];
    private final Kernel flip;
    private final int groups;
    private final int groupK;
    private final int panels;
    private final int lanes;
    private final int units;
    private final int parts;
    private final MemorySegment header;
    private final Workers.Task task = this::chunk;
    private final Workers.Task packing = this::packUnit;

    private long in;
    private long packed;
    private long residual;
    private long out;
    private long scratch;
    private long weight;

    private QuantizedConv(ConvShape shape, ByteEpilogue epilogue, Workers workers, ByteDot dot) {
        this.shape = shape;
        this.epilogue = epilogue;
        this.dot = dot;
        this.workers = workers;
        blocks = ByteBlocks.of(shape);
        Form form = Form.of(shape, epilogue, dot);
        groups = form == Form.APART ? shape.groups() : 1;
        groupK = shape.k() / groups;
        int vectors = Math.ceilDiv(groupK, dot.lanes());
        int most = form == Form.DEPTHWISE ? ByteDepthwise.channels(dot) / dot.lanes() : dot.vectors();
        panels = Math.ceilDiv(vectors, most);
        int each = form == Form.APART ? Pieces.even(vectors, most) : most;
        lanes = each * dot.lanes();
        units = groups * panels;
        parts = Math.min(units, Math.ceilDiv(CHUNKS, blocks.count()));
        for (int i = 0; i < 2; i++) {
            int pixels = blocks.pixelsOf(i == 0 ? 0 : blocks.count() - 1);
            specs[i] = form == Form.DEPTHWISE ? depthwise() : tiles(pixels, each, form);
            kernels[i] = Kernel.of(specs[i]);
        }
        flip = blocks.direct() ? null : Kernel.of(new FlipRows(dot.set(), shape.w() * shape.c(), shape.padLeft() * shape.c(), blocks.pitch()));
        header = header();
    }

    /**
     * Plans a convolution.
     *
     * @param residualScale factor of a residual of bytes, 0 for none
     * @param activation what comes before the rounding
     * @param bytes whether results are bytes; else floats
     * @param set instructions that may be used
     */
    public static QuantizedConv of(ConvShape shape, double residualScale, Nonlinearity activation, boolean bytes, Workers workers, InstructionSet set) {
        return of(shape, new ByteEpilogue((float) residualScale, activation, bytes), workers, ByteDot.of(set));
    }

    static QuantizedConv of(ConvShape shape, ByteEpilogue epilogue, Workers workers, ByteDot dot) {
        return new QuantizedConv(shape, epilogue, workers, dot);
    }

    /** How groups are computed. */
    private enum Form {
        /** Each by itself: also the form of a convolution without groups. */
        APART,
        /** Small ones next to each other in a vector. */
        TOGETHER,
        /** Channel by channel. */
        DEPTHWISE;

        static Form of(ConvShape s, ByteEpilogue e, ByteDot dot) {
            int g = s.groupK();
            if (s.groups() == 1 || s.groupC() != g || dot == ByteDot.WORDS) {
                return APART;
            }
            if (g == 1) {
                return e.bytes() && !e.residual() ? DEPTHWISE : APART;
            }
            boolean fits = g == 4 || g == 8 || g % dot.lanes() == 0;
            return fits && dot.vectors() * dot.lanes() % g == 0 ? TOGETHER : APART;
        }
    }

    /** Channels of the last panel. */
    private int tail() {
        return groupK - (panels - 1) * lanes;
    }

    private ByteTiles tiles(int pixels, int vectors, Form form) {
        int small = pixels / Math.ceilDiv(pixels, dot.rows());
        if (blocks.direct()) {
            return new ByteTiles(dot, small, vectors, tail(), 1, 0, 1, 0, shape.c() / 4, 0, true, shape.k(), epilogue);
        }
        int rowStep = shape.dilationH() * blocks.pitch();
        int columnStep = shape.dilationW() * shape.c();
        if (shape.groups() == 1 && shape.dilationW() == 1) {
            return new ByteTiles(dot, small, vectors, tail(), shape.r(), rowStep, 1, 0, (shape.s() * shape.c() + 3) / 4, 0, false, shape.k(), epilogue);
        }
        int together = form == Form.TOGETHER ? shape.groupC() : 0;
        return new ByteTiles(dot, small, vectors, tail(), shape.r(), rowStep, shape.s(), columnStep, (shape.groupC() + 3) / 4, together, false, shape.k(), epilogue);
    }

    private ByteDepthwise depthwise() {
        List<Integer> taps = new ArrayList<>();
        for (int r = 0; r < shape.r(); r++) {
            for (int s = 0; s < shape.s(); s++) {
                taps.add(r * shape.dilationH() * blocks.pitch() + s * shape.dilationW() * shape.c());
            }
        }
        return new ByteDepthwise(dot, List.copyOf(taps), tail(), shape.k(), epilogue);
    }

    private MemorySegment header() {
        int pixels = blocks.pixelsOf(0);
        MemorySegment h = Native.zeros(ByteHeader.PIXELS + 4L * pixels);
        ByteHeader.fill(h, dot, epilogue.residualScale(), (tail() - 1) % dot.lanes() + 1, shape.groupC());
        for (int p = 0; p < pixels; p++) {
            h.set(ValueLayout.JAVA_INT, ByteHeader.PIXELS + 4L * p, blocks.offset(p));
        }
        return h;
    }

    @Override
    public long packedBytes() {
        return units * specs[0].panelBytes();
    }

    private long scaleBytes() {
        return Raw.align(units * 2L * 4 * lanes);
    }

    /** A worker's copies: dwords and vectors may be read, and vectors written, behind them. */
    private long scratchBytes() {
        return blocks.direct() ? 0 : Raw.align(blocks.copiedBytes()) + 128;
    }

    @Override
    public long workspaceBytes() {
        return scaleBytes() + workers.size() * scratchBytes();
    }

    @Override
    public void pack(long weight, long packed) {
        this.weight = weight;
        this.packed = packed;
        workers.run(packing, units);
    }

    /** The output channel of a panel's lane, or -1 if it has none. */
    private int channel(int unit, int lane) {
        int c = specs[0].channel(lane);
        return c < (unit % panels == panels - 1 ? tail() : lanes) ? first(unit) + c : -1;
    }

    /** The first output channel of a panel. */
    private int first(int unit) {
        return unit / panels * groupK + unit % panels * lanes;
    }

    private void packUnit(int unit, int worker) {
        int width = unit % panels == panels - 1 ? specs[0].lastLanes() : lanes;
        int depth = shape.r() * shape.s() * shape.groupC();
        int runs = specs[0].runs();
        int runBytes = depth / runs;
        long to = packed + unit * specs[0].panelBytes();
        for (int lane = 0; lane < width; lane++) {
            int k = channel(unit, lane);
            long from = weight + (long) k * depth;
            int sum = 0;
            long at = to + 4L * width + 4L * lane;
            for (int run = 0; run < runs; run++) {
                for (int b = 0; b < runBytes; b += 4) {
                    int four = k >= 0 ? bytes(from + b, runBytes - b) : 0;
                    sum += (byte) four + (byte) (four >> 8) + (byte) (four >> 16) + (four >> 24);
                    Raw.setInt(at, four);
                    at += 4L * width;
                }
                from += runBytes;
            }
            Raw.setInt(to + 4L * lane, -128 * sum);
        }
    }

    /** Four bytes, those behind the end of a run as 0. */
    private static int bytes(long at, int left) {
        if (left >= 4) {
            return Raw.getInt(at);
        }
        int four = 0;
        for (int i = 0; i < left; i++) {
            four |= (Raw.getByte(at + i) & 0xff) << 8 * i;
        }
        return four;
    }

    @Override
    public void run(long in, long packed, long scale, long shift, long residual, long out, long workspace) {
        this.in = in;
        this.packed = packed;
        this.residual = residual;
        this.out = out;
        this.scratch = workspace + scaleBytes();
        for (int unit = 0; unit < units; unit++) {
            long to = workspace + unit * 2L * 4 * lanes;
            for (int lane = 0; lane < lanes; lane++) {
                int k = channel(unit, lane);
                Raw.set(to + 4L * lane, k >= 0 ? Raw.get(scale + 4L * k) : 0);
                Raw.set(to + 4L * (lanes + lane), k >= 0 ? Raw.get(shift + 4L * k) : 0);
            }
        }
        header.set(ValueLayout.JAVA_LONG, ByteHeader.SCALES, workspace);
        workers.run(task, blocks.count() * parts);
    }

    private void chunk(int chunk, int worker) {
        int block = chunk / parts;
        int part = chunk % parts;
        long pixels = in;
        if (blocks.direct()) {
            pixels += blocks.firstPixel(block) * shape.c();
        } else {
            pixels = scratch + worker * scratchBytes();
            copy(block, pixels);
        }
        int to = (int) ((part + 1L) * units / parts);
        for (int unit = (int) ((long) part * units / parts); unit < to;) {
            int next = Math.min(to, (unit / panels + 1) * panels);
            multiply(block, pixels, unit, next);
            unit = next;
        }
    }

    /** Panels of one group. */
    private void multiply(int block, long pixels, int from, int to) {
        int count = blocks.pixelsOf(block);
        int which = count == blocks.pixelsOf(0) ? 0 : 1; // blocks are of one size, but for the last of an image or of all
        boolean last = to % panels == 0;
        long counts = specs[which].counts(count, to - from - (last ? 1 : 0), last, from);
        long result = blocks.firstPixel(block) * shape.k() + first(from);
        long inputs = pixels + (shape.groups() == 1 ? 0 : (long) first(from) / shape.groupK() * shape.groupC());
        kernels[which].run(inputs, packed + from * specs[0].panelBytes(), out + result * epilogue.size(), residual + result, header.address(), counts);
    }

    /** Rows of a block's images, those outside of the image as padding. */
    private void copy(int block, long to) {
        int rows = blocks.copiedRows(blocks.rowsOf(block));
        int step = blocks.rowStep();
        long rowBytes = (long) shape.w() * shape.c();
        int top = blocks.firstRow(block) * shape.strideH() - shape.padTop();
        int low = Math.clamp(top >= 0 ? 0 : Math.ceilDiv(-top, step), 0, rows);
        int high = Math.clamp(shape.h() - 1 - top < 0 ? 0 : (shape.h() - 1 - top) / step + 1, low, rows);
        for (int i = 0; i < blocks.imagesOf(block); i++) {
            long image = in + (blocks.firstImage(block) + i) * shape.h() * rowBytes;
            long at = to + (long) i * blocks.copiedRows(blocks.rows()) * blocks.pitch();
            flip(0, at, low);
            flip(image + (top + low * step) * rowBytes, at + (long) low * blocks.pitch(), high - low);
            flip(0, at + (long) high * blocks.pitch(), rows - high);
        }
    }

    private void flip(long from, long to, int rows) {
        if (rows > 0) {
            flip.run(from, to, rows, blocks.rowStep() * (long) shape.w() * shape.c(), header.address(), 0);
        }
    }

    @Override
    public String toString() {
        return dot + " " + shape + " " + epilogue;
    }
}
