package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Raw;
import dev.jacquard.cpu.Workers;
import java.util.Optional;

/**
 * Backward of weight of a depthwise convolution by {@link DepthwiseWeightKernel}, where the sums of all taps fit into registers, in {@link SplitSums}. A split goes through its
 * rows in blocks that fit into the second-level cache, with the one that follows.
 */
final class DepthwiseWeightGradient implements Conv {
    /** Bytes of a block, x and dy. */
    private static final int BLOCK = 320 << 10;

    /** Operands of more bytes than this are not in a second-level cache when they are read. */
    private static final long NEAR = 1 << 20;

    private final ConvShape shape;
    private final Kernel kernel;
    private final Workers workers;
    private final SplitSums splits;
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
        this.workers = workers;
        kernel = Kernel.of(spec);
        sumBytes = (long) spec.vectors() * spec.vectorBytes();
        splits = new SplitSums(spec.set(), s, spec.vectors(), spec.vectorBytes(), sumBytes);
        int most = Math.clamp(BLOCK / (4L * s.c() * (s.strideH() * s.w() + s.ow())), 1, s.oh());
        rowsAtOnce = Math.ceilDiv(s.oh(), Math.ceilDiv(s.oh(), most));
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
        DepthwiseWeightKernel spec = new DepthwiseWeightKernel(set, rows, columns, s.c(), wide, SplitSums.read(s) > NEAR);
        return Optional.of(new DepthwiseWeightGradient(s, spec, workers));
    }

    @Override
    public long workspaceBytes() {
        return splits.bytes();
    }

    @Override
    public void run(long first, long second, long out, long workspace) {
        x = first;
        dy = second;
        dw = out;
        sums = workspace;
        workers.run(adding, splits.splits());
        workers.run(finishing, splits.parts());
    }

    private void add(int split, int worker) {
        long mine = sums + splits.offset(split);
        Raw.zero(mine, sumBytes);
        long end = splits.firstRow(split + 1);
        long rowX = 4L * shape.w() * shape.c();
        long rowDy = 4L * shape.ow() * shape.c();
        for (long row = splits.firstRow(split); row < end;) {
            long n = row / shape.oh();
            long first = row % shape.oh();
            long last = Math.min(Math.min(first + rowsAtOnce, shape.oh()), first + end - row);
            long imageX = x + n * shape.h() * rowX;
            long nextX = last == shape.oh() ? shape.h() : Math.clamp(last * shape.strideH() - shape.padTop() + shape.r() - shape.strideH(), 0, shape.h());
            row += last - first;
            kernel.run(imageX, dy + n * shape.oh() * rowDy, mine, first | last << 32, imageX + nextX * rowX, dy + row * rowDy);
        }
    }

    private void finish(int part, int worker) {
        splits.finish(part, sums, dw);
    }
}
