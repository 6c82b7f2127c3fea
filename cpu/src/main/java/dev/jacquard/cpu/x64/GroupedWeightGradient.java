package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Raw;
import dev.jacquard.cpu.Workers;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * Backward of weight of a depthwise or grouped convolution by {@link GroupedWeightKernel}, in {@link SplitSums}; where weights are many and images small, vectors of channels are
 * cut as well as rows, or instead, by the shape, too.
 */
final class GroupedWeightGradient implements Conv {
    /** Bytes of one vector's columns, x and dy, that stay in the first-level cache over the passes of a vector. */
    private static final int CACHED = 32 << 10;

    /** From so many channels of a group on, multiply-adds outweigh copying. */
    private static final int COPIED = 8;

    /** Longs from the parameters of a worker to those of the next: whole cache lines. */
    private static final int PARAMETER_STEP = (GroupedWeightKernel.PARAMETERS + 7) / 8 * 8;

    private final ConvShape shape;
    private final GroupedWeightKernel spec;
    private final Kernel kernel;
    private final Workers workers;
    private final SplitSums splits;
    private final int blocks;
    private final int rowsAtOnce;
    private final long copyX;
    private final long copyDy;
    private final MemorySegment rows;
    private final MemorySegment spread;
    private final MemorySegment vectors;
    private final MemorySegment parameters;
    private final Workers.Task adding = this::add;
    private final Workers.Task finishing = this::finish;

    private long x;
    private long dy;
    private long dw;
    private long sums;

    private GroupedWeightGradient(ConvShape s, GroupedWeightKernel spec, Workers workers) {
        shape = s;
        this.spec = spec;
        this.workers = workers;
        kernel = Kernel.of(spec);
        splits = new SplitSums(spec.set(), s, spec.vectors(), vectorBytes(), Raw.align(spec.sumBytes()));
        blocks = Math.clamp(SplitSums.CHUNKS / splits.splits(), 1, spec.vectors());
        rowsAtOnce = rowsAtOnce(s, spec.set());
        rows = rows(s, (long) spec.stepX() * s.w());
        copyX = spec.copied() ? ((long) s.strideH() * (rowsAtOnce - 1) + (long) s.dilationH() * (s.r() - 1) + 1) * s.w() * spec.stepX() : 0;
        copyDy = spec.copied() ? (long) rowsAtOnce * s.ow() * spec.stepDy() : 0;
        spread = GroupedConv.spread(spec.set(), spec.group());
        vectors = GroupedConv.vectors(spec.set(), spec.group(), spec.vectors());
        parameters = Native.zeros(8L * PARAMETER_STEP * workers.size());
        for (int i = 0; i < workers.size(); i++) {
            set(i, 0, rows.address());
            set(i, 1, spread.address());
            set(i, 2, vectors.address());
        }
    }

    private static int rowsAtOnce(ConvShape s, InstructionSet set) {
        long pixel = Math.max(set.bytes(), 4L * s.groupC());
        long halo = (long) (s.r() - s.strideH()) * s.w() * pixel;
        int most = Math.clamp((CACHED - halo) / (set.bytes() * s.ow() + s.strideH() * s.w() * pixel), 1, s.oh());
        return Math.ceilDiv(s.oh(), Math.ceilDiv(s.oh(), most));
    }

    /** Empty if the kernel does not fit the shape. */
    static Optional<Conv> plan(ConvShape s, Workers workers, InstructionSet set) {
        // The sums of one channel have to leave room for a pixel of each operand.
        if (!GroupedConv.fits(s, set) || s.s() > set.registers() - 5) {
            return Optional.empty();
        }
        GroupedWeightKernel spec = spec(s, set);
        return spec.tile() > 0 && GroupedConv.compact(spec.columns(), spec.tile(), spec.together()) ? Optional.of(new GroupedWeightGradient(s, spec, workers)) : Optional.empty();
    }

    private static GroupedWeightKernel spec(ConvShape s, InstructionSet set) {
        TapMap columns = new TapMap(s.w(), s.ow(), s.s(), s.strideW(), s.padLeft(), s.dilationW(), false);
        boolean wide = set == InstructionSet.AVX512;
        int together = 4;
        while (together > 1 && (s.groupC() % together != 0 || together * s.s() > (wide ? 15 : 12) || free(s, set, together) < 1)) {
            together /= 2;
        }
        int copies = copies(s, set, together);
        boolean cached = SplitSums.read(s) <= GroupedConv.PREFETCHED;
        return new GroupedWeightKernel(set, columns, s.r(), s.strideH(), s.dilationH(), s.oh(), s.c(), s.groupC(),
                ColumnTiles.width(columns, Math.min(14, free(s, set, together))), together, s.groupC() >= COPIED, cached || s.groupC() >= COPIED ? 0 : rowsAtOnce(s, set), copies);
    }

    /** How often sums are kept, so that they do not wait for each other. @param together channels of a group that are read at once */
    private static int copies(ConvShape s, InstructionSet set, int together) {
        return Math.max(1, (set == InstructionSet.AVX512 ? 15 : 9) / (together * s.s()));
    }

    /** Registers that are left for dy beside sums, what is read, a mask of AVX2, and how channels are spread. */
    private static int free(ConvShape s, InstructionSet set, int together) {
        boolean indexed = s.groupC() > 1 && s.groupC() < set.lanes() && !(s.groupC() == 4 && together == 4);
        return set.registers() - together * s.s() * copies(s, set, together) - 1 - (set == InstructionSet.AVX512 ? 0 : 1) - (indexed ? together : 0);
    }

    private static MemorySegment rows(ConvShape s, long rowBytes) {
        TapMap vertical = new TapMap(s.h(), s.oh(), s.r(), s.strideH(), s.padTop(), s.dilationH(), false);
        long[] table = new long[s.r() * s.oh()];
        for (int i = 0; i < table.length; i++) {
            int row = vertical.at(i % s.oh(), i / s.oh());
            table[i] = row < 0 ? -1 : row * rowBytes;
        }
        return Native.words(table);
    }

    @Override
    public long workspaceBytes() {
        return splits.bytes() + workers.size() * (copyX + copyDy);
    }

    @Override
    public void run(long first, long second, long out, long workspace) {
        x = first;
        dy = second;
        dw = out;
        sums = workspace;
        workers.run(adding, splits.splits() * blocks);
        workers.run(finishing, splits.parts());
    }

    private long vectorBytes() {
        return spec.sumBytes() / spec.vectors();
    }

    private void add(int chunk, int worker) {
        int split = chunk / blocks;
        int from = splits.firstVector(chunk % blocks, blocks);
        int to = splits.firstVector(chunk % blocks + 1, blocks);
        long mine = sums + splits.offset(split);
        Raw.zero(mine + from * vectorBytes(), (to - from) * vectorBytes());
        long end = splits.firstRow(split + 1);
        long imageX = 4L * shape.h() * shape.w() * shape.c();
        long imageDy = 4L * shape.oh() * shape.ow() * shape.c();
        for (long row = splits.firstRow(split); row < end;) {
            long n = row / shape.oh();
            long first = row % shape.oh();
            long last = Math.min(Math.min(first + rowsAtOnce, shape.oh()), first + end - row);
            long top = spec.copied() ? copy(worker, (int) first, (int) last) : 0;
            if (spec.copied()) {
                next(worker, row + last - first < end ? row + last - first : row);
            }
            long bottom = spec.copied() ? first : 0;
            kernel.run(parameters.address() + 8L * PARAMETER_STEP * worker, x + n * imageX + top * imageX / shape.h(), dy + n * imageDy + bottom * imageDy / shape.oh(), mine,
                    first | last << 32, from | (long) to << 32);
            row += last - first;
        }
    }

    /** Says which pixels are to be copied where. @return the first row of x */
    private long copy(int worker, int first, int last) {
        int low = Math.clamp((long) first * shape.strideH() - shape.padTop(), 0, shape.h() - 1);
        int high = Math.clamp((long) (last - 1) * shape.strideH() - shape.padTop() + (long) shape.dilationH() * (shape.r() - 1), low, shape.h() - 1);
        long copiedX = sums + splits.bytes() + worker * (copyX + copyDy);
        long copiedDy = copiedX + copyX;
        set(worker, 3, copiedX);
        set(worker, 4, copiedDy);
        set(worker, 5, copiedX - (long) low * shape.w() * spec.stepX());
        set(worker, 6, copiedDy - (long) first * shape.ow() * spec.stepDy());
        set(worker, 7, (long) (high - low + 1) * shape.w());
        set(worker, 8, (long) (last - first) * shape.ow());
        return low;
    }

    /** Says where the copies after these begin: at a row of dy, counted through all images. */
    private void next(int worker, long row) {
        long n = row / shape.oh();
        long first = row % shape.oh();
        long low = Math.clamp(first * shape.strideH() - shape.padTop(), 0, shape.h() - 1);
        set(worker, 9, x + 4L * (n * shape.h() + low) * shape.w() * shape.c());
        set(worker, 10, dy + 4L * row * shape.ow() * shape.c());
    }

    private void set(int worker, int i, long value) {
        parameters.setAtIndex(ValueLayout.JAVA_LONG, (long) PARAMETER_STEP * worker + i, value);
    }

    private void finish(int part, int worker) {
        splits.finish(part, sums, dw);
    }
}
