package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Raw;
import dev.jacquard.cpu.Workers;
import java.util.Optional;

/**
 * Backward of weight of a depthwise convolution by {@link DepthwiseWeightKernel}, where the sums of all taps fit into registers. Rows of dy are cut into splits, each with sums of
 * its own, which are added in order: they follow from the shape. A split goes through its rows in blocks that fit into the second-level cache, with the one that follows.
 */
final class DepthwiseWeightGradient implements Conv {
    private static final int SPLITS = 16;

    /** What is read has to be so many times what the sums of a split are. */
    private static final int SHARE = 8;

    /** Bytes of a block, x and dy. */
    private static final int BLOCK = 320 << 10;

    /** Operands of more bytes than this are not in a second-level cache when they are read. */
    private static final long NEAR = 1 << 20;

    private final ConvShape shape;
    private final DepthwiseWeightKernel spec;
    private final Kernel kernel;
    private final Kernel adder;
    private final Kernel unpacker;
    private final Workers workers;
    private final int splits;
    private final int parts;
    private final int rowsAtOnce;
    private final long sumBytes;
    private final Workers.Task adding = this::add;
    private final Workers.Task finishing = this::finish;

    private long x;
    private long dy;
    private long dw;
    private long sums;

    private DepthwiseWeightGradient(ConvShape s, DepthwiseWeightKernel spec, Workers workers) {
        shape = s;
        this.spec = spec;
        this.workers = workers;
        kernel = Kernel.of(spec);
        unpacker = Kernel.of(new UnpackKernel(spec.set(), s.r(), s.s(), 1));
        sumBytes = (long) spec.vectors() * spec.vectorBytes();
        splits = (int) Math.clamp(read(s) / (SHARE * sumBytes), 1, Math.min(SPLITS, (long) s.n() * s.oh()));
        adder = Kernel.of(new PartialSums(spec.set(), splits, Math.toIntExact(sumBytes)));
        parts = Math.min(SPLITS, spec.vectors());
        int most = Math.clamp(BLOCK / (4L * s.c() * (s.strideH() * s.w() + s.ow())), 1, s.oh());
        rowsAtOnce = Math.ceilDiv(s.oh(), Math.ceilDiv(s.oh(), most));
    }

    private static long read(ConvShape s) {
        return 4L * s.n() * s.c() * ((long) s.h() * s.w() + (long) s.oh() * s.ow());
    }

    /** Empty if the kernel does not fit the shape. */
    static Optional<Conv> plan(ConvShape s, Workers workers, InstructionSet set) {
        int room = DepthwiseWeightKernel.room(set, s.r() * s.s());
        if (!s.depthwise() || room < 1 || 4L * s.c() * s.w() * (s.dilationH() * (s.r() - 1L) + 2L * s.strideH() * room) > Integer.MAX_VALUE) {
            return Optional.empty();
        }
        TapMap rows = new TapMap(s.h(), s.oh(), s.r(), s.strideH(), s.padTop(), s.dilationH(), false);
        TapMap columns = new TapMap(s.w(), s.ow(), s.s(), s.strideW(), s.padLeft(), s.dilationW(), false);
        int wide = ColumnTiles.width(columns, Math.min(16, room));
        DepthwiseWeightKernel spec = new DepthwiseWeightKernel(set, rows, columns, s.c(), wide, read(s) > NEAR);
        return Optional.of(new DepthwiseWeightGradient(s, spec, workers));
    }

    @Override
    public long workspaceBytes() {
        return splits * sumBytes;
    }

    @Override
    public void run(long first, long second, long out, long workspace) {
        x = first;
        dy = second;
        dw = out;
        sums = workspace;
        workers.run(adding, splits);
        workers.run(finishing, parts);
    }

    private int firstVector(int part, int of) {
        return (int) ((long) spec.vectors() * part / of);
    }

    private void add(int split, int worker) {
        long mine = sums + split * sumBytes;
        Raw.zero(mine, sumBytes);
        long all = (long) shape.n() * shape.oh();
        long end = all * (split + 1) / splits;
        long rowX = 4L * shape.w() * shape.c();
        long rowDy = 4L * shape.ow() * shape.c();
        for (long row = all * split / splits; row < end;) {
            long n = row / shape.oh();
            long first = row % shape.oh();
            long last = Math.min(Math.min(first + rowsAtOnce, shape.oh()), first + end - row);
            long imageX = x + n * shape.h() * rowX;
            long nextX = last == shape.oh() ? shape.h() : Math.clamp(last * shape.strideH() - shape.padTop() + shape.r() - shape.strideH(), 0, shape.h());
            row += last - first;
            kernel.run(imageX, dy + n * shape.oh() * rowDy, mine, first | last << 32, imageX + nextX * rowX, dy + row * rowDy);
        }
    }

    /** Adds the splits' sums of some vectors, and brings them into the weights' order: (K, R, S, 1). */
    private void finish(int part, int worker) {
        int from = firstVector(part, parts);
        int to = firstVector(part + 1, parts);
        long at = sums + (long) from * spec.vectorBytes();
        adder.run(at, at, (long) (to - from) * spec.vectorBytes() / 4, 0, 0, 0);
        int lanes = spec.set().lanes();
        unpacker.run(at, dw + 4L * from * lanes * shape.r() * shape.s(), Math.min(to * lanes, shape.c()) - from * lanes, 0, 0, 0);
    }
}
