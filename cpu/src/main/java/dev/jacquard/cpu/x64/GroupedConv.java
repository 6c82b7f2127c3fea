package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Beside;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.PackedConv;
import dev.jacquard.cpu.Workers;
import dev.jacquard.tensor.op.FusedProduct.Rectifier;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/** A depthwise or grouped convolution, or its backward of data, by {@link GroupedKernel}: as many output as input channels, groups that are vectors or an even part of one. */
final class GroupedConv implements PackedConv {
    /** Bytes of weights that are gone through once per row of the result; more, and rows follow one another with the same weights. */
    private static final int WEIGHTS_AT_ONCE = 160 << 10;

    /**
     * Vectors of a depthwise convolution that are gone through for all rows of a chunk before the next: so few that their pixels stay in the first-level cache from row to row,
     * where with all of them each row tap would come from the second-level one.
     */
    private static final int DEPTHWISE_BLOCK = 3;

    /** What a core does in a microsecond, at least: floats written, and multiply-adds. */
    private static final double WRITTEN = 2_000;
    private static final double MULTIPLIED = 80_000;

    /** Bytes of packed weights for which another thread is not worth waking; chunks of more than that, but not more chunks than these. */
    private static final int PACKED_AT_ONCE = 64 << 10;
    private static final int MOST_PACK_CHUNKS = 8;

    /** Results of more bytes than this will not be in a cache when they are read next. */
    private static final long STREAMED = 16 << 20;

    /** Operands of fewer bytes than this are for the most part in the third-level cache when they are read. */
    private static final long SHARED = 24 << 20;

    /** Operands of more bytes than this are not in a cache when they are read. */
    static final long PREFETCHED = 8 << 20;

    private final ConvShape shape;
    private final boolean backward;
    private final GroupedKernel spec;
    private final Kernel kernel;
    private final Kernel streaming;
    private final Workers workers;
    private final Chunks chunks;
    private final MemorySegment parameters = Native.zeros(8L * GroupedKernel.PARAMETERS);
    private final MemorySegment rows;
    private final MemorySegment spread;
    private final MemorySegment vectors;
    private final long imageIn;
    private final long imageOut;
    private final GroupPackKernel packSpec;
    private final Kernel pack;
    private final Kernel packTail;
    private final int packChunks;
    private final ChannelSums sums;
    private final Workers.Task task = this::chunk;
    private final Runnable product = this::product;
    private final Workers.Task packing = this::pack;

    private long weights;
    private long to;
    private long in;
    private long residual;
    private long out;
    private Kernel running;

    private GroupedConv(ConvShape shape, boolean backward, GroupedKernel spec, Workers workers) {
        this.shape = shape;
        this.backward = backward;
        this.spec = spec;
        this.workers = workers;
        InstructionSet set = spec.set();
        TapMap vertical = vertical(shape, backward);
        int columnsIn = spec.columns().in();
        int columnsOut = spec.columns().out();
        imageIn = 4L * vertical.in() * columnsIn * shape.c();
        imageOut = 4L * vertical.out() * columnsOut * shape.c();
        double written = (double) columnsOut * shape.c();
        chunks = Chunks.of(shape.n(), vertical.out(), written * Math.max(1 / WRITTEN, shape.r() * shape.s() * shape.groupC() / MULTIPLIED));
        kernel = Kernel.of(spec);
        boolean streams = streams(shape, backward) && shape.c() % spec.set().lanes() == 0;
        streaming = streams ? Kernel.of(new GroupedKernel(spec.set(), spec.columns(), spec.rows(), spec.channels(), spec.group(), spec.epilogue(), spec.tile(), spec.together(),
                spec.block(), spec.ahead(), true)) : kernel;
        rows = rows(vertical, 4L * columnsIn * shape.c(), spec.rowWeights());
        spread = spread(set, spec.group());
        vectors = vectors(set, spec.group(), spec.vectors());
        packSpec = new GroupPackKernel(set, shape.r(), shape.s(), spec.group(), spec.together(), set.lanes(), backward);
        pack = Kernel.of(packSpec);
        int tail = shape.c() % set.lanes();
        packTail = tail == 0 ? pack : Kernel.of(new GroupPackKernel(set, shape.r(), shape.s(), spec.group(), spec.together(), tail, backward));
        int[] pixels = new int[shape.n() * chunks.parts()];
        Arrays.setAll(pixels, i -> columnsOut * (chunks.endRow(i % chunks.parts()) - chunks.firstRow(i % chunks.parts())));
        sums = ChannelSums.of(spec.epilogue(), set, 1, shape.c(), pixels, workers);
        packChunks = Math.clamp(spec.packedBytes() / PACKED_AT_ONCE, 1, Math.min(MOST_PACK_CHUNKS, spec.vectors() / spec.together()));
    }

    /** Forward: y from x and w. Empty if the kernel does not fit the shape. */
    static Optional<PackedConv> forward(ConvShape shape, Epilogue epilogue, Workers workers, InstructionSet set) {
        return plan(shape, false, epilogue, workers, set);
    }

    /** Backward of data: dx from dy and w. Empty if the kernel does not fit the shape. */
    static Optional<PackedConv> backwardData(ConvShape shape, Epilogue epilogue, Workers workers, InstructionSet set) {
        return plan(shape, true, epilogue, workers, set);
    }

    private static Optional<PackedConv> plan(ConvShape shape, boolean backward, Epilogue epilogue, Workers workers, InstructionSet set) {
        if (!fits(shape, set) || !takes(epilogue)) {
            return Optional.empty();
        }
        GroupedKernel spec = spec(shape, backward, epilogue, set);
        return compact(spec.columns(), spec.tile(), spec.together() * (spec.group() == 4 ? 4 : 1)) ? Optional.of(new GroupedConv(shape, backward, spec, workers))
                : Optional.empty();
    }

    /** Of what is read beside the product it takes a residual only. */
    private static boolean takes(Epilogue epilogue) {
        return epilogue.rectifier() == Rectifier.NONE && epilogue.sums() != Epilogue.Sums.GRADIENT;
    }

    /** Whether groups lie on vectors: channel by channel, or groups that are an even part of a vector or several vectors. */
    static boolean fits(ConvShape s, InstructionSet set) {
        int lanes = set.lanes();
        return s.groups() > 1 && s.c() == s.k() && (s.groupC() == 1 || lanes % s.groupC() == 0 || s.groupC() % lanes == 0) && s.r() > 0 && s.s() > 0;
    }

    /** Whether the code stays small: borders of odd strides could need many tiles of their own. @param perUse instructions of a tap of a pixel */
    static boolean compact(TapMap columns, int tile, int perUse) {
        long instructions = 0;
        for (ColumnTiles.Run run : ColumnTiles.of(columns, tile)) {
            for (ColumnTiles.Read read : run.reads()) {
                instructions += 1 + (long) read.uses().size() * perUse;
            }
        }
        return instructions < 8000;
    }

    private static GroupedKernel spec(ConvShape s, boolean backward, Epilogue epilogue, InstructionSet set) {
        TapMap columns = backward ? new TapMap(s.ow(), s.w(), s.s(), s.strideW(), s.padLeft(), s.dilationW(), true)
                : new TapMap(s.w(), s.ow(), s.s(), s.strideW(), s.padLeft(), s.dilationW(), false);
        boolean wide = set == InstructionSet.AVX512;
        int together = wide && s.groupC() % (2 * set.lanes()) == 0 ? 2 : 1;
        int tile = ColumnTiles.width(columns, wide ? together == 2 ? 12 : 16 : 9);
        int all = set.vectors(s.c());
        long perVector = 4L * set.lanes() * s.r() * s.s() * s.groupC();
        boolean cached = 4L * s.n() * s.c() * ((long) s.h() * s.w() + (long) s.oh() * s.ow()) <= PREFETCHED;
        boolean depthwise = s.groupC() == 1;
        // What a stride reads from memory, far more than it writes, would come in too small pieces.
        boolean few = depthwise && (backward || s.strideH() == 1 || 4L * s.n() * s.c() * s.h() * s.w() <= SHARED);
        int block = few ? Math.min(DEPTHWISE_BLOCK, all) : Math.max(together, (int) (WEIGHTS_AT_ONCE / 2 / perVector) / together * together);
        boolean once = !few && perVector * all <= WEIGHTS_AT_ONCE || block >= all || s.c() % set.lanes() != 0;
        int ahead = cached ? 0 : depthwise && streams(s, backward) ? 2 : backward ? 1 : Math.min(2, s.strideH());
        return new GroupedKernel(set, columns, s.r(), s.c(), s.groupC(), epilogue, tile, together, once ? all : block, ahead, false);
    }

    private static boolean streams(ConvShape s, boolean backward) {
        return 4L * s.n() * s.c() * (backward ? (long) s.h() * s.w() : (long) s.oh() * s.ow()) > STREAMED;
    }

    private static TapMap vertical(ConvShape s, boolean backward) {
        return backward ? new TapMap(s.oh(), s.h(), s.r(), s.strideH(), s.padTop(), s.dilationH(), true)
                : new TapMap(s.h(), s.oh(), s.r(), s.strideH(), s.padTop(), s.dilationH(), false);
    }

    private static MemorySegment rows(TapMap vertical, long rowBytes, long tapWeights) {
        int words = GroupedKernel.rowWords(vertical.taps());
        long[] table = new long[words * vertical.out()];
        for (int o = 0; o < vertical.out(); o++) {
            int at = words * o;
            int count = 0;
            for (int r = 0; r < vertical.taps(); r++) {
                int i = vertical.at(o, r);
                if (i >= 0) {
                    table[at + 2 + 2 * count] = i * rowBytes;
                    table[at + 3 + 2 * count] = r * tapWeights;
                    table[at + 1] = Math.max(table[at + 1], (i + 1) * rowBytes);
                    count++;
                }
            }
            table[at] = count;
        }
        return Native.words(table);
    }

    /** For each channel of a group, from which element of a vector each element takes it. */
    static MemorySegment spread(InstructionSet set, int group) {
        int lanes = set.lanes();
        int[] table = new int[lanes * group];
        for (int i = 0; i < table.length; i++) {
            table[i] = i % lanes / group * group + i / lanes;
        }
        return Native.ints(table);
    }

    /** For each vector, bytes from a pixel to its group. */
    static MemorySegment vectors(InstructionSet set, int group, int vectors) {
        long[] table = new long[vectors];
        for (int v = 0; v < vectors; v++) {
            table[v] = 4L * (v * set.lanes() / group * group);
        }
        return Native.words(table);
    }

    @Override
    public long packedBytes() {
        return spec.packedBytes();
    }

    @Override
    public void pack(long weight, long packed) {
        weights = weight;
        to = packed;
        workers.run(packing, packChunks);
    }

    private void pack(int chunk, int worker) {
        int all = spec.vectors() / spec.together();
        long bytes = spec.packedBytes() / spec.vectors() * spec.together();
        int lanes = spec.set().lanes();
        for (int i = (int) ((long) all * chunk / packChunks); i < (int) ((long) all * (chunk + 1) / packChunks); i++) {
            int v = i * spec.together();
            boolean whole = (v + spec.together()) * lanes <= shape.c();
            (whole ? pack : packTail).run(to + i * bytes, weights + 4 * packSpec.first(v), 0, 0, 0, 0);
        }
    }

    @Override
    public long workspaceBytes() {
        return ChannelSums.bytes(sums);
    }

    @Override
    public void beside(Beside operands) {
        sums.operands(operands);
    }

    @Override
    public void run(long from, long packed, long scale, long shift, long other, long result, long workspace) {
        in = from;
        residual = other;
        out = result;
        running = (result & 63) == 0 ? streaming : kernel;
        set(0, packed);
        set(1, scale);
        set(2, shift);
        set(3, rows.address());
        set(4, spread.address());
        set(5, vectors.address());
        ChannelSums.run(sums, workspace, product);
    }

    private void product() {
        workers.run(task, chunks.count());
    }

    private void set(int i, long value) {
        parameters.setAtIndex(ValueLayout.JAVA_LONG, i, value);
    }

    private void chunk(int chunk, int worker) {
        int first = chunks.firstRow(chunk);
        int end = chunks.endRow(chunk);
        for (int n = chunks.firstImage(chunk); n < chunks.endImage(chunk); n++) {
            long other = sums == null ? residual + n * imageOut : sums.slot(n * chunks.parts() + chunk % chunks.parts(), 0, 0);
            running.run(parameters.address(), in + n * imageIn, out + n * imageOut, other, first, end);
        }
    }
}
