package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Beside;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.GatherPlan;
import dev.jacquard.cpu.PackedConv;
import dev.jacquard.cpu.TapAxis;
import dev.jacquard.cpu.Workers;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Forward convolution, and backward of data, as a product whose rows of A are read where they lie: a 1 x 1 kernel's rows are the image itself, all others are found through
 * {@link TileTable}s. Packed weights are [group][panel][tap][channel][column]; they stream from the second-level cache, of which the longest sum of a call takes an eighth.
 *
 * <p>Rows of a tile are consecutive output positions of an image, or, in batches on small maps, one position of several images: all of the tile's rows have the same taps outside
 * of the image then, and those cost nothing.
 */
final class DenseConv implements PackedConv {
    /** Bytes of input that a chunk should read again and again. */
    private static final int ROW_BYTES = 256 << 10;
    /** Least size of an output that goes past the caches: most of the third level's. */
    private static final long STREAM_BYTES = 24 << 20;
    /** Least size of an input that is asked for ahead, and by how many rows, but no less than so many bytes: narrow rows would come too late. */
    private static final long AHEAD_BYTES = 8 << 20;
    private static final int AHEAD_ROWS = 24;
    private static final long LEAST_AHEAD = 8 << 10;
    /** Bytes of images that are gated at a time. */
    private static final int GATED_BYTES = 160 << 10;
    /** Rows of a chunk, unless there are fewer. */
    private static final int LEAST_ROWS = 96;
    private static final int MOST_ROWS = 1536;
    /** Multiply-adds below which a chunk is not cut further for the sake of balance, and below which it never is. */
    private static final long ENOUGH = 4_000_000;
    private static final long LEAST = 500_000;
    /** Chunks that are enough for balance. */
    private static final int MANY = 48;
    /** Multiply-adds of a chunk of a product that has few chunks: eight microseconds, if that makes no more of them than these. */
    private static final long CHUNK = 1_000_000;
    private static final int FEW = 24;
    /** More panels than these are not gone through for a few rows: that would be a call for each. */
    private static final int FEW_PANELS = 4;
    /** Fewer tiles than these do not bring in what is multiplied next. */
    private static final int LEAST_UNITS = 4;
    /** What an element of the result costs beside its sum, in multiply-adds. */
    private static final int EPILOGUE = 16;
    /** What a weight costs that comes from the third-level cache. */
    private static final int WEIGHT = 10;

    /**
     * Rows that one table describes, several times over.
     *
     * @param table null for even rows
     * @param tap first packed tap
     * @param taps taps of each row
     * @param image first image
     * @param images images of an instance
     * @param instances how often the rows occur
     * @param tiles of an instance; rows if they are even
     * @param rows of an instance
     */
    private record Region(TileTable table, int tap, int taps, int image, int images, int instances, int tiles, int rows) {}

    /**
     * How a region is cut: chunks are (group, panels, instances, tiles), the last changing fastest.
     *
     * @param first first chunk
     * @param instances per chunk
     * @param tileBlocks parts into which the tiles are cut
     * @param unit tiles, or even rows, that stay together
     * @param panelGroups parts into which the panels are cut
     */
    private record Cut(Region region, int first, int instances, int tileBlocks, int unit, int panelGroups) {
        int instanceBlocks() {
            return Math.ceilDiv(region.instances, instances);
        }

        /** The first tile of a block. Blocks are as even as whole units can be; what is no whole unit goes with the last. */
        int tile(int block) {
            int units = Math.max(1, region.tiles / unit);
            return block == tileBlocks ? region.tiles : (int) ((long) units * block / tileBlocks) * unit;
        }

        /** Tiles of the largest block, or a few more. */
        int tiles() {
            int units = Math.max(1, region.tiles / unit);
            return Math.min(region.tiles, Math.ceilDiv(units, tileBlocks) * unit + region.tiles % unit);
        }

        int perGroup() {
            return panelGroups * instanceBlocks() * tileBlocks;
        }
    }

    private final GatherPlan plan;
    private final Epilogue epilogue;
    private final Workers workers;
    private final InstructionSet set;
    private final int in;
    private final int out;
    private final int taps;
    private final Panels panels;
    private final boolean even;
    private final boolean gated;
    /** Whether {@link PairKernel} is the kernel: of a single panel, then. */
    private final boolean paired;
    /** Rows of a tile of the first panel where rows are even. */
    private final int evenRows;
    /**
     * Gated rows of a chunk at a time; 0 if images are not gated, or as the product goes: a vector of B is multiplied for each step of depth, which for wide tiles, of few rows,
     * costs more than rows gated beforehand.
     */
    private final int gatedRows;
    private final Kernel gate;
    private final int tileRows;
    private final int[] tapOf;
    private final boolean allTaps;
    private final Kernel[] kernels;
    private final Kernel[] streaming;
    private final Kernel[] packs;
    private final Cut[] cuts;
    private final int chunks;
    private final long partialBytes;
    private final long gatedBytes;
    private final ProductFrame[] frames;
    private final MemorySegment zeros;
    private final int[] firstSlice;
    private final int[] slice;
    private final ChannelSums sums;
    private final Workers.Task packTask = this::pack;
    private final Workers.Task task = this::compute;
    private final Runnable product = this::product;

    private long from;
    private long packed;
    private long scale;
    private long shift;
    private long residual;
    private long to;
    private long workspace;
    private long gates;
    private long rectifier;
    private long images;

    DenseConv(GatherPlan plan, Epilogue epilogue, Workers workers, InstructionSet set) {
        this(plan, epilogue, false, workers, set);
    }

    /** @param gated whether images are multiplied by gates: of 1x1 convolutions without stride and groups only */
    DenseConv(GatherPlan plan, Epilogue epilogue, boolean gated, Workers workers, InstructionSet set) {
        this.plan = plan;
        this.gated = gated;
        this.epilogue = epilogue;
        this.workers = workers;
        this.set = set;
        in = plan.groupIn();
        out = plan.groupOut();
        taps = plan.taps();
        panels = new Panels(set, out);
        even = plan.pointwise() && 24L * 4 * Math.max(plan.inC(), plan.outC()) < Integer.MAX_VALUE;
        tapOf = new int[taps];
        tileRows = IntStream.range(0, panels.count()).map(p -> Math.min(ProductKernel.LISTED_ROWS, ProductKernel.tileRows(set, panels.vectors(p)))).min().orElseThrow();
        paired = even && plan.groups() == 1 && PairKernel.takes(set, out, in, epilogue);
        evenRows = paired ? PairKernel.tileRows(out) : ProductKernel.tileRows(set, panels.vectors(0));
        gatedRows = gated && panels.widths() > 2 * set.lanes() ? Math.max(1, GATED_BYTES / (4 * in) / evenRows) * evenRows : 0;
        gate = gatedRows > 0 ? Kernel.of(new GateRows(set)) : null;
        List<Region> regions = regions();
        allTaps = !plan.backward() && taps == plan.r() * plan.s();
        boolean large = streams(4L * plan.n() * plan.outH() * plan.outW() * plan.outC(), out, set);
        // An image that is read once, by the only chunk that needs it.
        boolean ahead = 4L * plan.n() * plan.inH() * plan.inW() * plan.inC() >= AHEAD_BYTES && plan.groups() == 1;
        cuts = new Cut[regions.size()];
        int chunk = 0;
        long most = 0;
        for (int i = 0; i < cuts.length; i++) {
            cuts[i] = cut(regions.get(i), chunk, cuts.length == 1);
            chunk += cuts[i].perGroup() * plan.groups();
            most = Math.max(most, partial(cuts[i]));
        }
        boolean shallow = shallow();
        kernels = new Kernel[panels.count()];
        streaming = new Kernel[panels.count()];
        packs = new Kernel[panels.count()];
        for (int p = 0; p < kernels.length; p++) {
            boolean asks = ahead && p == 0 && gate == null;
            ProductKernel.Rows rows = even ? new ProductKernel.Rows.Even(4 * plan.inC(), 4, 4 * plan.outC(), asks)
                    : new ProductKernel.Rows.Listed(asks ? nextTile(regions.getFirst()) : 0);
            kernels[p] = Kernel.of(paired ? new PairKernel(out, 4 * in, asks, epilogue, gated && gate == null) : shallow ? shallow(p, asks, false)
                    : new ProductKernel(set, rows, panels.vectors(p), panels.columns(p), epilogue, false, gated && gate == null));
            streaming[p] = !large ? kernels[p]
                    : Kernel.of(shallow ? shallow(p, asks, true) : new ProductKernel(set, rows, panels.vectors(p), panels.columns(p), epilogue, true, gated && gate == null));
            int all = plan.r() * plan.s();
            packs[p] = Kernel.of(new PackKernel(set, !plan.backward(), panels.columns(p), panels.width(p), paired, Math.multiplyExact(4 * all, plan.backward() ? out : in)));
        }
        chunks = chunk;
        partialBytes = most + 63 & -64L;
        gatedBytes = 4L * in * gatedRows + 63 & -64L;
        zeros = Native.zeros(4L * in);
        frames = new ProductFrame[workers.size()];
        Arrays.setAll(frames, i -> shallow ? new ProductFrame(ShallowKernel.frameBytes(in, panels.vectors(panels.count() - 1))) : new ProductFrame());
        firstSlice = new int[cuts.length];
        slice = new int[workers.size()];
        sums = epilogue.sums() == Epilogue.Sums.NONE ? null : ChannelSums.of(epilogue, set, plan.groups(), out, slices(), workers);
    }

    /** Whether {@link ShallowKernel} is the kernel: all chunks have rows enough. */
    private boolean shallow() {
        if (!even || gated || paired || plan.groups() > 1 || !ShallowKernel.takes(set, taps * in, epilogue)) {
            return false;
        }
        Cut c = cuts[0];
        int most = IntStream.range(0, panels.count()).map(p -> ProductKernel.tileRows(set, panels.vectors(p))).max().orElseThrow();
        return IntStream.range(0, c.tileBlocks).allMatch(block -> c.tile(block + 1) - c.tile(block) >= most);
    }

    private ShallowKernel shallow(int panel, boolean asks, boolean streams) {
        int vectors = panels.vectors(panel);
        return new ShallowKernel(in, 1, 0, 4 * plan.inC(), 4 * plan.outC(), ProductKernel.tileRows(set, vectors), vectors, panels.columns(panel), epilogue, asks, streams);
    }

    /** Pixels of each slice of what is summed up: what chunks of different panels have in common. */
    private int[] slices() {
        List<Integer> pixels = new ArrayList<>();
        for (int i = 0; i < cuts.length; i++) {
            Cut c = cuts[i];
            Region r = c.region;
            firstSlice[i] = pixels.size();
            for (int instance = 0; instance < r.instances; instance += c.instances) {
                for (int block = 0; block < c.tileBlocks; block++) {
                    int rows = even ? c.tile(block + 1) - c.tile(block) : r.table.firstRow(c.tile(block + 1)) - r.table.firstRow(c.tile(block));
                    pixels.add(rows * Math.min(c.instances, r.instances - instance));
                }
            }
        }
        return pixels.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Whether an output is better written past the caches. @param columns of a group, which have to be whole vectors */
    static boolean streams(long bytes, int columns, InstructionSet set) {
        return bytes >= STREAM_BYTES && columns % set.lanes() == 0;
    }

    private List<Region> regions() {
        List<Region> all = new ArrayList<>();
        int tap = 0;
        boolean byPosition = !even && plan.n() >= 4 && plan.usefulShare() < 0.95;
        for (TapAxis rows : plan.rows()) {
            for (TapAxis columns : plan.columns()) {
                int count = rows.taps().length * columns.taps().length;
                for (int t = 0; t < count; t++) {
                    tapOf[tap + t] = rows.taps()[t / columns.taps().length] * plan.s() + columns.taps()[t % columns.taps().length];
                }
                int positions = rows.count() * columns.count();
                if (gated) {
                    all.add(new Region(null, tap, count, 0, 1, plan.n(), positions, positions));
                } else if (even) {
                    int total = plan.n() * positions;
                    all.add(new Region(null, tap, count, 0, plan.n(), 1, total, total));
                } else if (byPosition) {
                    int groups = Math.ceilDiv(plan.n(), tileRows);
                    int more = plan.n() % groups;
                    int images = plan.n() / groups;
                    add(all, rows, columns, tap, 0, images + 1, more);
                    add(all, rows, columns, tap, more * (images + 1), images, groups - more);
                } else {
                    add(all, rows, columns, tap, 0, 1, plan.n());
                }
                tap += count;
            }
        }
        return all;
    }

    /** Bytes from a tile's rows of A to the next tile's, where both are in the same line of an image. */
    private int nextTile(Region first) {
        TapAxis columns = plan.columns()[0];
        for (int i = 1; i < columns.count() && columns.taps().length > 0; i++) {
            if (columns.at(i - 1, 0) >= 0 && columns.at(i, 0) >= 0) {
                return 4 * plan.inC() * (columns.at(i, 0) - columns.at(i - 1, 0)) * (first.images > 1 ? 1 : tileRows);
            }
        }
        return 0;
    }

    private void add(List<Region> all, TapAxis rows, TapAxis columns, int tap, int image, int images, int instances) {
        int positions = rows.count() * columns.count();
        if (instances == 0 || positions == 0) {
            return;
        }
        int count = rows.taps().length * columns.taps().length;
        TileTable table = TileTable.of(plan, rows, columns, images, tileRows);
        all.add(new Region(table, tap, count, image, images, instances, table.tiles(), positions * images));
    }

    /** @param alone whether this is the only region */
    private Cut cut(Region r, int first, boolean alone) {
        long rowBytes = Math.max(4L * in, 4L * in * plan.inH() * plan.inW() * r.images / Math.max(1, r.rows));
        // A single panel reads its rows once: longer chunks then begin less often without what was asked for ahead.
        int rows = even && panels.count() == 1 ? MOST_ROWS : Math.clamp(ROW_BYTES / rowBytes, LEAST_ROWS, MOST_ROWS);
        int unit = even ? evenRows : 1;
        int instances = 1;
        int blocks = Math.ceilDiv(r.rows, rows);
        if (blocks == 1) {
            instances = Math.ceilDiv(r.instances, Math.ceilDiv(r.instances, Math.max(1, rows / r.rows)));
        }
        Cut c = new Cut(r, first, instances, Math.min(blocks, units(r, unit)), unit, 1);
        if (alone && plan.groups() == 1 && work(c) < MANY * ENOUGH) {
            return few(c);
        }
        while (c.perGroup() * plan.groups() < MANY && chunkWork(c) > ENOUGH || c.perGroup() * plan.groups() < 8 && chunkWork(c) > 2 * LEAST) {
            if (c.panelGroups < panels.count()) {
                c = new Cut(r, first, c.instances, c.tileBlocks, unit, Math.min(panels.count(), 2 * c.panelGroups));
            } else if (c.instances > 1) {
                c = new Cut(r, first, Math.ceilDiv(c.instances, 2), c.tileBlocks, unit, c.panelGroups);
            } else if (r.rows / c.tileBlocks > 2 * LEAST_ROWS / 4 && 2 * c.tileBlocks <= units(r, unit)) {
                c = new Cut(r, first, 1, 2 * c.tileBlocks, unit, c.panelGroups);
            } else {
                break;
            }
        }
        return c;
    }

    private static int units(Region r, int unit) {
        return Math.max(1, r.tiles / unit);
    }

    /**
     * A product that takes two milliseconds at most is cut into two dozen chunks at most, as equal as can be, and an even number of them: with nine, one of two cores would do a
     * ninth more. Where weights are larger than images, or panels many, chunks are panels: a core then reads half of the weights, which come from the third-level cache. Otherwise
     * they are rows, mostly the same that the core wrote in the region before.
     */
    private Cut few(Cut whole) {
        Region r = whole.region;
        int wanted = Math.clamp(work(whole) / CHUNK, 1, FEW);
        int units = units(r, whole.unit);
        if (r.instances >= wanted) {
            return new Cut(r, whole.first, Math.ceilDiv(r.instances, wanted), 1, whole.unit, 1);
        }
        wanted = Math.ceilDiv(wanted, r.instances);
        boolean weights = panels.count() > FEW_PANELS || (long) r.taps * in * out > (long) r.rows * (in + out);
        int parts = weights ? parts(panels.count(), wanted) : 1;
        int blocks = weights ? Math.clamp(wanted / parts, 1, Math.max(1, units / LEAST_UNITS)) : parts(units, wanted);
        parts = weights ? parts : parts(panels.count(), wanted / blocks);
        if (parts * blocks * r.instances % 2 == 1 && wanted > 1) {
            if (blocks < units) {
                blocks++;
            } else if (parts < panels.count()) {
                parts++;
            }
        }
        return new Cut(r, whole.first, 1, blocks, whole.unit, parts);
    }

    /** Into how many equal parts to cut so many things. */
    private static int parts(int count, int wanted) {
        return Math.ceilDiv(count, Math.max(1, Math.round((float) count / wanted)));
    }

    /** Multiply-adds, and what weights and an epilogue cost beside them, in as many. */
    private long work(Cut c) {
        long rows = (long) c.region.rows * c.region.instances;
        return ((rows + WEIGHT) * c.region.taps * in + rows * EPILOGUE) * out;
    }

    private long chunkWork(Cut c) {
        return (long) c.region.rows / c.tileBlocks * c.instances * c.region.taps * in * out / c.panelGroups;
    }

    private long partial(Cut c) {
        boolean cut = (long) c.region.taps * in > ProductKernel.LONGEST_SUM;
        return cut ? 4L * panels.width(panels.count() - 1) * c.tiles() * (even ? 1 : ProductKernel.LISTED_ROWS) * c.instances : 0;
    }

    @Override
    public void beside(Beside operands) {
        switch (operands) {
            case Beside.Gates g -> gates = g.gates();
            case Beside.Rectified r -> rectifier = r.result();
            case Beside.Moments _ -> sums.operands(operands);
            case Beside.Normalised n -> {
                images = n.images();
                sums.operands(n);
            }
        }
    }

    @Override
    public long packedBytes() {
        return 4L * plan.groups() * taps * in * panels.widths();
    }

    @Override
    public long workspaceBytes() {
        return (partialBytes + gatedBytes) * workers.size() + ChannelSums.bytes(sums);
    }

    /** Offset of a panel's packed row. */
    private long packedAt(int group, int panel, long row) {
        long depth = (long) taps * in;
        return 4 * (group * depth * panels.widths() + depth * panels.first(panel) + row * panels.width(panel));
    }

    @Override
    public void pack(long weight, long to) {
        from = weight;
        packed = to;
        workers.run(packTask, plan.groups() * panels.count() * (allTaps ? 1 : taps));
    }

    private void pack(int chunk, int worker) {
        int parts = allTaps ? 1 : taps;
        int t = chunk % parts;
        int panel = chunk / parts % panels.count();
        int g = chunk / parts / panels.count();
        int all = plan.r() * plan.s();
        long tap = allTaps ? 0 : tapOf[t];
        long source = plan.backward()
                ? ((long) g * in * all + tap) * out + panels.first(panel)
                : (((long) g * out + panels.first(panel)) * all + tap) * in;
        packs[panel].run(from + 4 * source, packed + packedAt(g, panel, (long) t * in), allTaps ? (long) taps * in : in, 0, 0, 0);
    }

    @Override
    public void run(long input, long weights, long scales, long shifts, long added, long output, long scratch) {
        from = input;
        packed = weights;
        scale = scales;
        shift = shifts;
        residual = added;
        to = output;
        workspace = scratch;
        ChannelSums.run(sums, scratch + (partialBytes + gatedBytes) * workers.size(), product);
    }

    private void product() {
        workers.run(task, chunks);
    }

    private void compute(int chunk, int worker) {
        int i = cuts.length - 1;
        while (cuts[i].first > chunk) {
            i--;
        }
        Cut c = cuts[i];
        int local = chunk - c.first;
        int block = local % c.tileBlocks;
        int rest = local / c.tileBlocks;
        int instance = rest % c.instanceBlocks() * c.instances;
        rest /= c.instanceBlocks();
        int part = rest % c.panelGroups;
        int g = rest / c.panelGroups;
        int instance1 = Math.min(c.region.instances, instance + c.instances);
        slice[worker] = firstSlice[i] + local % (c.instanceBlocks() * c.tileBlocks);
        int tile1 = c.tile(block + 1);
        if (gate == null) {
            panels(c, g, part, instance, instance1, c.tile(block), tile1, worker);
            return;
        }
        for (int image = instance; image < instance1; image++) {
            for (int tile = c.tile(block); tile < tile1; tile += gatedRows) {
                int rows = Math.min(gatedRows, tile1 - tile);
                gate.run(rows, in, from + 4L * in * ((long) image * c.region.rows + tile), gates + 4L * in * image, gatedAt(worker), 0);
                panels(c, g, part, image, image + 1, tile, tile + rows, worker);
            }
        }
    }

    private long gatedAt(int worker) {
        return workspace + partialBytes * workers.size() + gatedBytes * worker;
    }

    private void panels(Cut c, int g, int part, int instance0, int instance1, int tile0, int tile1, int worker) {
        int end = (int) ((long) panels.count() * (part + 1) / c.panelGroups);
        for (int p = (int) ((long) panels.count() * part / c.panelGroups); p < end; p++) {
            panel(c, g, p, instance0, instance1, tile0, tile1, worker);
        }
    }

    /** All of the depth of some rows of a panel: whole taps at a time if they are small enough, else parts of one. */
    private void panel(Cut c, int g, int p, int instance0, int instance1, int tile0, int tile1, int worker) {
        Region r = c.region;
        int most = ProductKernel.LONGEST_SUM;
        int tapsAtOnce = r.taps == 0 ? 1 : Math.ceilDiv(r.taps, Math.ceilDiv(r.taps, Math.max(1, most / in)));
        // Positions without taps are zeros, whatever the depth: one call, since they have no room for partial sums.
        int depth = tapsAtOnce > 1 || r.taps == 0 ? in : Math.ceilDiv(in, Math.ceilDiv(in, most));
        ProductFrame f = frames[worker];
        long column = 4L * (g * out + panels.first(p));
        f.set(ProductFrame.SCALE, scale + column).set(ProductFrame.SHIFT, shift + column).set(ProductFrame.ZEROS, zeros.address()).set(ProductFrame.TAP_STEP, 0)
                .set(ProductFrame.LINES, 1).set(ProductFrame.LINE_STEP, 0).set(ProductFrame.AHEAD, Math.max(LEAST_AHEAD, 4L * plan.inC() * AHEAD_ROWS));
        if (r.table != null) {
            f.set(ProductFrame.TABLE, r.table.address(tile0)).set(ProductFrame.TILE_BYTES, r.table.tileBytes());
        }
        f.set(ProductFrame.COUNT, tile1 - tile0);
        if (sums != null) {
            sums.open(f, slice[worker], g, panels.first(p) / set.lanes(), panels.vectors(p));
        }
        int t = 0;
        do {
            int tapCount = Math.min(tapsAtOnce, r.taps - t);
            f.set(ProductFrame.TAPS, tapCount).set(ProductFrame.TAP_AT, TileTable.TAPS + (long) t * TileTable.TAP_BYTES);
            for (int d = 0; d < in; d += depth) {
                int now = Math.min(depth, in - d);
                boolean last = t + tapCount >= r.taps && d + now >= in;
                f.depth(now, ProductKernel.tileRows(set, panels.vectors(p))).set(ProductFrame.TAP_BYTES, 4L * now * panels.width(p));
                f.set(ProductFrame.B, packed + packedAt(g, p, (long) (r.tap + t) * in + d));
                f.set(ProductFrame.FLAGS, (t > 0 || d > 0 ? ProductFrame.CONTINUES : 0) | (last ? 0 : ProductFrame.STOPS));
                next(f, p, instance0 == 0 ? tile0 : Integer.MAX_VALUE, 4L * now * panels.width(p));
                instances(f, c, g, p, instance0, instance1, tile0, d, worker);
            }
            t += tapCount;
        } while (t < r.taps);
    }

    /**
     * What follows in the packed weights will be multiplied next, by the same core mostly: the first tiles have it brought into the second-level cache, each a line of every step
     * of depth.
     */
    private void next(ProductFrame f, int p, int firstRow, long bytes) {
        if (even && !paired) {
            long lines = (long) firstRow / ProductKernel.tileRows(set, panels.vectors(p));
            boolean some = 16 * lines < panels.width(p);
            f.set(ProductFrame.NEXT, some ? bytes + 64 * lines : 0).set(ProductFrame.NEXT_END, some ? bytes + 4L * panels.width(p) : 0);
        }
    }

    private void instances(ProductFrame f, Cut c, int g, int p, int instance0, int instance1, int tile0, int d, int worker) {
        Region r = c.region;
        long inImage = 4L * plan.inH() * plan.inW() * plan.inC();
        long outImage = 4L * plan.outH() * plan.outW() * plan.outC();
        long a = from + 4L * (g * in + d) + (even ? 4L * tile0 * plan.inC() : 0);
        long column = 4L * (g * out + panels.first(p)) + (even ? 4L * tile0 * plan.outC() : 0);
        Kernel kernel = (to & set.bytes() - 1) == 0 ? streaming[p] : kernels[p];
        long partial = workspace + worker * partialBytes;
        long beside = epilogue.residual() ? residual : images;
        long perInstance = 4L * panels.width(p) * c.tiles() * (even ? 1 : ProductKernel.LISTED_ROWS);
        for (int i = instance0; i < instance1; i++) {
            long image = r.image + (long) i * r.images;
            f.set(ProductFrame.GATE, gates + 4 * (image * in + d)).set(ProductFrame.A, gate == null ? a + image * inImage : gatedAt(worker) + 4L * d)
                    .set(ProductFrame.C, to + column + image * outImage).set(ProductFrame.BESIDE, beside + column + image * outImage)
                    .set(ProductFrame.RECTIFIER, even ? rectifier - beside : rectifier + column + image * outImage)
                    .set(ProductFrame.IMAGES, even ? images - beside : images + column + image * outImage)
                    .set(ProductFrame.PARTIAL, partial + (i - instance0) * perInstance).run(kernel);
        }
    }
}
