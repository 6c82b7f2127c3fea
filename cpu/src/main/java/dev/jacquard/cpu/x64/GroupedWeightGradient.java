package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Workers;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Backward of weight of a depthwise or grouped convolution by {@link GroupedWeightKernel}. Rows of dy are cut into splits, each with sums of its own, which are added in order; where weights are many and images
 * small, vectors of channels are cut as well, or instead. Both follow from the shape.
 */
final class GroupedWeightGradient implements Conv {
    private static final int CHUNKS = 16;

    /** What is read has to be so many times what the sums of a split are. */
    private static final int SHARE = 8;

    /** Bytes of one vector's columns, x and dy, that stay in the first-level cache over the passes of a vector. */
    private static final int CACHED = 24 << 10;

    private final ConvShape shape;
    private final GroupedWeightKernel spec;
    private final Kernel kernel;
    private final Kernel adder;
    private final Workers workers;
    private final int splits;
    private final int blocks;
    private final int rowsAtOnce;
    private final long sumBytes;
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
        adder = Kernel.of(new SumKernel(spec.set()));
        sumBytes = (spec.sumBytes() + 63) / 64 * 64;
        long read = 4L * s.n() * s.c() * ((long) s.h() * s.w() + (long) s.oh() * s.ow());
        splits = (int) Math.clamp(read / (SHARE * sumBytes), 1, Math.min(CHUNKS, (long) s.n() * s.oh()));
        blocks = Math.clamp(CHUNKS / splits, 1, spec.vectors());
        rowsAtOnce = Math.clamp(CACHED / (spec.set().bytes() * (s.ow() + (long) s.strideH() * s.w())), 1, s.oh());
        rows = rows(s);
        spread = GroupedConv.spread(spec.set(), spec.group());
        vectors = GroupedConv.vectors(spec.set(), spec.group(), spec.vectors());
        parameters = Native.words(rows.address(), spread.address(), vectors.address());
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
        int most = wide ? 15 : 12;
        int together = 4;
        while (together > 1 && (s.groupC() % together != 0 || together * s.s() > most)) {
            together /= 2;
        }
        int copies = Math.max(1, (wide ? 15 : 9) / (together * s.s()));
        boolean indexed = s.groupC() > 1 && s.groupC() < set.lanes() && !(s.groupC() == 4 && together == 4);
        // Beside sums and dy: what is read, a mask of AVX2, and how channels are spread.
        int free = set.registers() - together * s.s() * copies - 1 - (wide ? 0 : 1) - (indexed ? together : 0);
        return new GroupedWeightKernel(set, columns, s.r(), s.oh(), s.c(), s.groupC(), ColumnTiles.width(columns, Math.min(14, free)), together, copies);
    }

    private static MemorySegment rows(ConvShape s) {
        TapMap vertical = new TapMap(s.h(), s.oh(), s.r(), s.strideH(), s.padTop(), s.dilationH(), false);
        long[] table = new long[s.r() * s.oh()];
        for (int i = 0; i < table.length; i++) {
            int row = vertical.at(i % s.oh(), i / s.oh());
            table[i] = row < 0 ? -1 : 4L * row * s.w() * s.c();
        }
        return Native.words(table);
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
        workers.run(adding, splits * blocks);
        workers.run(finishing, blocks);
    }

    private int firstVector(int block) {
        return (int) ((long) spec.vectors() * block / blocks);
    }

    private long vectorBytes() {
        return spec.sumBytes() / spec.vectors();
    }

    private void add(int chunk, int worker) {
        int split = chunk / blocks;
        int from = firstVector(chunk % blocks);
        int to = firstVector(chunk % blocks + 1);
        long mine = sums + split * sumBytes;
        Native.zero(mine + from * vectorBytes(), (to - from) * vectorBytes());
        long all = (long) shape.n() * shape.oh();
        long end = all * (split + 1) / splits;
        long imageX = 4L * shape.h() * shape.w() * shape.c();
        long imageDy = 4L * shape.oh() * shape.ow() * shape.c();
        for (long row = all * split / splits; row < end;) {
            long n = row / shape.oh();
            long first = row % shape.oh();
            long last = Math.min(Math.min(first + rowsAtOnce, shape.oh()), first + end - row);
            kernel.run(parameters.address(), x + n * imageX, dy + n * imageDy, mine, first | last << 32, from | (long) to << 32);
            row += last - first;
        }
    }

    /** Adds the splits' sums of some vectors, and brings them into the weights' order: (K, R, S, C / groups). */
    private void finish(int block, int worker) {
        int from = firstVector(block);
        int to = firstVector(block + 1);
        adder.run(sums + from * vectorBytes(), sumBytes, splits, (to - from) * vectorBytes(), 0, 0);
        int lanes = spec.set().lanes();
        int group = spec.group();
        int taps = shape.s();
        long filter = 4L * shape.r() * taps * group;
        for (int v = from; v < to; v++) {
            long channel = dw + v * lanes * filter;
            long at = sums + v * vectorBytes();
            int channels = Math.min(lanes, shape.c() - v * lanes);
            for (int r = 0; r < shape.r(); r++) {
                for (int c = 0; c < group; c++) {
                    for (int s = 0; s < taps; s++) {
                        long w = channel + 4L * ((r * taps + s) * group + c);
                        for (int i = 0; i < channels; i++) {
                            Native.set(w + i * filter, Native.get(at + 4L * i));
                        }
                        at += 4L * lanes;
                    }
                }
            }
        }
    }
}
