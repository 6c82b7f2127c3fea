package dev.jacquard.cpu.x64;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Raw;
import dev.jacquard.cpu.Workers;
import dev.jacquard.cpu.x64.TransposedProduct.Fetch;
import dev.jacquard.cpu.x64.TransposedProduct.Steps;
import java.lang.foreign.MemorySegment;
import java.util.stream.Stream;

/**
 * Backward of weight of a dense or grouped convolution: dw[k, tap, c] = sum over positions of dy[position, k] * x[position at the tap, c], which for each tap is a product of two
 * matrices whose rows are positions. {@link TransposedProduct} computes one tap of one block of positions; a block of both operands stays in the second-level cache for all taps
 * and tiles, and the next one is fetched meanwhile. Taps outside the image are not multiplied: each tap has its own rectangle of positions.
 *
 * <p>Sums over a block are added to those of the blocks before, which also keeps their error small: it grows with the length of a block and the number of blocks, not with their
 * product.
 */
final class WeightGradient implements Conv {
    private static final int PIECE = 16_384;

    /** Positions that are fetched before they are copied. */
    private static final int NEAR = 24;

    @SuppressWarnings("restricted") // the JVM is started with --enable-native-access
    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final WeightGradientPlan plan;
    private final ConvShape shape;
    private final Workers workers;
    private final WeightGradientKernels kernels;
    private final boolean rowsFollow;
    private final boolean imagesFollow;
    private final long gradientAt;
    private final long halfBytes;
    private final long scratchBytes;
    private final long partBytes;
    private final Ahead[] ahead;
    private final Workers.Task compute = this::compute;
    private final Workers.Task add = this::add;

    private long x;
    private long dy;
    private long dw;
    private long workspace;

    private WeightGradient(WeightGradientPlan plan, Workers workers) {
        this.plan = plan;
        this.workers = workers;
        shape = plan.shape();
        kernels = new WeightGradientKernels(plan);
        Steps image = kernels.image();
        Steps gradient = kernels.gradient();
        rowsFollow = image.row() == shape.ow() * image.column() && gradient.row() == shape.ow() * gradient.column();
        imagesFollow = rowsFollow && image.image() == shape.oh() * image.row() && gradient.image() == shape.oh() * gradient.row();
        gradientAt = kernels.fetch().bytes() + kernels.imageBytes();
        halfBytes = kernels.imageBytes() + kernels.gradientBytes();
        scratchBytes = gradientAt + kernels.gradientBytes() + (plan.ahead() ? halfBytes : 0);
        partBytes = plan.partial() ? Raw.align(4 * plan.gradientFloats()) : 0;
        ahead = plan.ahead() ? Stream.generate(Ahead::new).limit(workers.size()).toArray(Ahead[]::new) : null;
    }

    /** What a worker's tiles have copied beforehand, and into which of two halves of its scratch. */
    private static final class Ahead {
        private int item;
        private int block;
        private int half;

        void none() {
            block = -1;
        }

        boolean is(int b, int i) {
            return block == b && item == i;
        }
    }

    /** Whether distances between images and the like fit into instructions. */
    static boolean fits(ConvShape s) {
        long most = 1L << 30;
        return 4L * s.h() * s.w() * s.c() < most && 4L * s.oh() * s.ow() * s.k() < most && 64L * s.r() * s.s() * s.c() < most && s.ow() < 1 << 20 && s.oh() < 1 << 19
                && s.n() < 1 << 18
                && (long) s.k() * s.r() * s.s() * s.groupC() < most / 4;
    }

    static Conv of(ConvShape shape, Workers workers, InstructionSet set) {
        return new WeightGradient(WeightGradientPlan.of(shape, set), workers);
    }

    @Override
    public long workspaceBytes() {
        return workers.size() * scratchBytes + plan.splits() * partBytes;
    }

    @Override
    public void run(long first, long second, long out, long scratch) {
        x = first;
        dy = second;
        dw = out;
        workspace = scratch;
        for (int i = 0; plan.ahead() && i < ahead.length; i++) {
            ahead[i].none();
        }
        workers.run(compute, plan.items());
        if (plan.swapped()) {
            workers.run(add, shape.groups() * Math.ceilDiv(shape.groupK(), plan.set().lanes()));
        } else if (plan.partial()) {
            workers.run(add, Math.toIntExact(Math.ceilDiv(plan.gradientFloats(), PIECE)));
        }
    }

    private long partial(int split) {
        return plan.partial() ? workspace + workers.size() * scratchBytes + split * partBytes : dw;
    }

    private void add(int chunk, int worker) {
        if (!plan.swapped()) {
            long at = 4L * chunk * PIECE;
            kernels.sums().run(dw + at, partial(0) + at, Math.min(PIECE, plan.gradientFloats() - (long) chunk * PIECE), 0, 0, 0);
            return;
        }
        int lanes = plan.set().lanes();
        int perGroup = Math.ceilDiv(shape.groupK(), lanes);
        int g = chunk / perGroup;
        int k = chunk % perGroup * lanes;
        long floats = plan.gradientFloats() / shape.groups();
        kernels.sums().run(dw + 4 * (g * floats + k * floats / shape.groupK()), partial(0) + 4 * (g * floats + k), Math.min(lanes, shape.groupK() - k), 0, 0, 0);
    }

    /** An item: a part of the blocks, a group, a part of the units, of the rows, of the columns; the last changes first. */
    private void compute(int item, int worker) {
        int j = columnPart(item);
        int i = rowPart(item);
        int u = item / plan.columnParts() / plan.rowParts() % plan.unitParts();
        int split = split(item);
        long c = partial(split) + 4 * (group(item) * (plan.gradientFloats() / shape.groups())) + (long) plan.row(i) * kernels.cRow() + 4L * plan.column(j);
        long scratch = workspace + worker * scratchBytes;
        int passes = (plan.unit(u + 1) - plan.unit(u)) * kernels.tiles(i, j);
        int end = firstBlock(split + 1);
        long begun = 0;
        for (int b = firstBlock(split); b < end; b++) {
            // An item's last block fetches the first one of the item that this worker will most probably get: workers take their own parts one by one.
            int next = b + 1 < end ? item : item + 1;
            int then = b + 1 < end ? b + 1 : next < plan.items() ? firstBlock(split(next)) : -1;
            if (plan.ahead()) {
                blockAhead(b, item, then, next, passes, c, worker, b > firstBlock(split));
                begun = 1;
            } else {
                fetch(then, next, passes, scratch);
                begun = block(b, item, plan.unit(u), plan.unit(u + 1), c, scratch, begun);
            }
        }
        for (int unit = plan.unit(u); unit < plan.unit(u + 1); unit++) {
            if ((begun >> unit - plan.unit(u) & 1) == 0) {
                kernels.clear(j).run(c + unit * kernels.cUnit(), 0, plan.row(i + 1) - plan.row(i), 0, 0, 0); // its taps lie outside everywhere
            }
        }
    }

    private int columnPart(int item) {
        return item % plan.columnParts();
    }

    private int rowPart(int item) {
        return item / plan.columnParts() % plan.rowParts();
    }

    private int group(int item) {
        return item / plan.columnParts() / plan.rowParts() / plan.unitParts() % shape.groups();
    }

    private int split(int item) {
        return item / plan.columnParts() / plan.rowParts() / plan.unitParts() / shape.groups();
    }

    private int firstBlock(int split) {
        return (int) ((long) plan.blocks() * split / plan.splits());
    }

    private int firstGradientChannel(int item) {
        return group(item) * shape.groupK() + (plan.swapped() ? plan.column(columnPart(item)) : plan.row(rowPart(item)));
    }

    private int firstImageChannel(int item) {
        return group(item) * shape.groupC() + (plan.swapped() ? plan.row(rowPart(item)) : plan.column(columnPart(item)));
    }

    private int bands() {
        return plan.blockRows() == 0 ? 1 : Math.ceilDiv(shape.oh(), plan.blockRows());
    }

    private int firstImage(int b) {
        return plan.blockRows() == 0 ? b * plan.blockImages() : b / bands();
    }

    private int firstRow(int b) {
        return plan.blockRows() == 0 ? 0 : b % bands() * plan.blockRows();
    }

    /** First row of the images that windows of output rows from {@code oh} on reach. */
    private int firstInputRow(int oh) {
        return plan.blockRows() == 0 ? 0 : Math.max(0, oh * shape.strideH() - shape.padTop());
    }

    private long imageRow(int n, int ih, int c0) {
        return x + 4L * (((long) n * shape.h() + ih) * shape.w() * shape.c() + c0);
    }

    private long gradientRow(int n, int oh, int k0) {
        return dy + 4L * (((long) n * shape.oh() + oh) * shape.ow() * shape.k() + k0);
    }

    /** All units of a block of positions. @return the units that have sums by now, a bit each */
    private long block(int b, int item, int u0, int u1, long c, long scratch, long begunBefore) {
        int i = rowPart(item);
        int j = columnPart(item);
        int k0 = firstGradientChannel(item);
        int c0 = firstImageChannel(item);
        int n0 = firstImage(b);
        int images = Math.min(plan.blockImages(), shape.n() - n0);
        int first = firstRow(b);
        int end = endRow(first);
        // Lines of few channels are copied whole: a part of their columns begins somewhere within.
        long from = image(n0, images, first, end, c0, plan.swapped() ? i : j, scratch) + (plan.flat() ? 4L * c0 : 0);
        long gradientFrom = gradient(n0, images, first, end, k0, plan.swapped() ? j : i, scratch);
        long begun = begunBefore;
        for (int unit = u0; unit < u1; unit++) {
            int r = plan.flat() ? unit : unit / shape.s();
            int s = plan.flat() ? 0 : unit % shape.s();
            int oh0 = Math.max(first, firstInside(shape.padTop(), r * shape.dilationH(), shape.strideH()));
            int oh1 = Math.min(end, endInside(shape.padTop(), r * shape.dilationH(), shape.strideH(), shape.h(), shape.oh()));
            int ow0 = plan.flat() ? 0 : firstInside(shape.padLeft(), s * shape.dilationW(), shape.strideW());
            int ow1 = plan.flat() ? shape.ow() : endInside(shape.padLeft(), s * shape.dilationW(), shape.strideW(), shape.w(), shape.ow());
            if (oh0 >= oh1 || ow0 >= ow1) {
                continue;
            }
            long ih = (long) oh0 * shape.strideH() - shape.padTop() + r * shape.dilationH() - firstInputRow(first);
            long iw = plan.flat() ? 0 : (long) ow0 * shape.strideW() - shape.padLeft() + s * shape.dilationW();
            long imageAt = from + ih * kernels.imageRow() + iw * kernels.imagePixel();
            long dyAt = gradientFrom + (long) (oh0 - first) * kernels.gradient().row() + (long) ow0 * kernels.gradient().column();
            long counts = counts(ow1 - ow0, oh1 - oh0, images, (begun >> unit - u0 & 1) != 0);
            kernels.product(i, j).run(plan.swapped() ? imageAt : dyAt, plan.swapped() ? dyAt : imageAt, c + unit * kernels.cUnit(), counts, scratch, 0);
            begun |= 1L << unit - u0;
        }
        return begun;
    }

    /** A block of a kernel of one tap, whose tiles copy block {@code then} of item {@code next}. */
    private void blockAhead(int b, int item, int then, int next, int passes, long c, int worker, boolean accumulate) {
        Ahead done = ahead[worker];
        long scratch = workspace + worker * scratchBytes;
        long half = scratch + done.half * halfBytes;
        int i = rowPart(item);
        int j = columnPart(item);
        int n0 = firstImage(b);
        int images = Math.min(plan.blockImages(), shape.n() - n0);
        int first = firstRow(b);
        int end = endRow(first);
        if (!done.is(b, item)) {
            image(n0, images, first, end, firstImageChannel(item), j, half);
            gradient(n0, images, first, end, firstGradientChannel(item), i, half);
        }
        boolean copied = then >= 0 && positions(then) == positions(b) && copies(then, next, passes, scratch, scratch + (1 - done.half) * halfBytes);
        if (!copied) {
            note(scratch);
        }
        kernels.product(i, j).run(half + gradientAt, half + kernels.fetch().bytes(), c, TransposedProduct.counts(shape.ow(), (end - first) * images, 1, accumulate), scratch, 0);
        done.item = next;
        done.block = copied ? then : -1;
        done.half = 1 - done.half;
    }

    private int endRow(int first) {
        return plan.blockRows() == 0 ? shape.oh() : Math.min(shape.oh(), first + plan.blockRows());
    }

    private int positions(int b) {
        int first = firstRow(b);
        return Math.min(plan.blockImages(), shape.n() - firstImage(b)) * (endRow(first) - first) * shape.ow();
    }

    /** Notes what of a block is to be copied, and where. @return whether tiles are enough for it; if not, nothing is noted */
    private boolean copies(int b, int item, int passes, long at, long half) {
        int m = plan.row(rowPart(item) + 1) - plan.row(rowPart(item));
        Pieces rows = plan.tile().rows(m);
        int vectors = plan.set().vectors(plan.column(columnPart(item) + 1) - plan.column(columnPart(item)));
        int turns = rows.count() + vectors + 2;
        int allRows = positions(b) / shape.ow();
        if (turns > passes || allRows < 2) {
            return false;
        }
        ALL.set(JAVA_LONG, at, passes / turns);
        ALL.set(JAVA_LONG, at + 8, passes / turns);
        int near = Math.min(allRows - 1, Math.ceilDiv(NEAR, shape.ow()));
        ALL.set(JAVA_LONG, at + Fetch.NEAR_ROWS, near);
        long walk = at + Fetch.FIRST;
        int bytes = kernels.fetch().next();
        Steps a = kernels.gradient();
        long from = gradientRow(firstImage(b), firstRow(b), firstGradientChannel(item));
        long to = half + gradientAt;
        long step = 4L * shape.k();
        int large = rows.low() + 1;
        walk(walk, near, allRows - near, from - 4L * large, step, 0, 1, large, 0, to, a.column(), 0);
        walk(walk + bytes, near, allRows - near, from, step, 0, rows.larger(), large, large, to, a.column(), a.piece());
        walk(walk + 2L * bytes, near, allRows - near, from + 4L * rows.larger() * large, step, 0, rows.count() - rows.larger(), large - 1, large - 1,
                to + (long) rows.larger() * a.piece(), a.column(), a.piece());
        Steps x = kernels.image();
        from = imageRow(firstImage(b), firstInputRow(firstRow(b)), firstImageChannel(item));
        to = half + kernels.fetch().bytes();
        step = 4L * shape.c() * shape.strideW();
        int lanes = plan.set().lanes();
        walk(walk + 3L * bytes, near, allRows - near, from - 4L * lanes, step, rowGap(), 1, lanes, 0, to, plan.set().bytes(), 0);
        walk(walk + 4L * bytes, near, allRows - near, from, step, rowGap(), vectors, lanes, lanes, to, plan.set().bytes(), x.vector());
        return true;
    }

    /** Bytes from the pixel after a row of those that a kernel of one tap reads to the next row's first. */
    private long rowGap() {
        return plan.sparse() ? 4L * shape.c() * (shape.strideH() * shape.w() - shape.ow() * shape.strideW()) : 0;
    }

    private void walk(long at, int near, int far, long from, long step, long row, int turns, int floats, int lanes, long to, long pitch, long piece) {
        note(at, from, step, row, turns);
        ALL.set(JAVA_LONG, at + 32, 4L * floats);
        ALL.set(JAVA_LONG, at + 40, (1L << lanes) - 1);
        ALL.set(JAVA_LONG, at + 48, to);
        ALL.set(JAVA_LONG, at + 56, pitch);
        ALL.set(JAVA_LONG, at + 64, piece);
        ALL.set(JAVA_LONG, at + 72, near * (shape.ow() * step + row));
        ALL.set(JAVA_LONG, at + 80, 4L * floats - far * (shape.ow() * step + row));
    }

    /** Where a rectangle's rows or images follow one another without a gap, they are one row. */
    private long counts(int columns, int rows, int images, boolean accumulate) {
        if (rowsFollow && columns == shape.ow()) {
            boolean all = imagesFollow && rows == shape.oh();
            return TransposedProduct.counts(columns * rows * (all ? images : 1), 1, all ? 1 : images, accumulate);
        }
        return TransposedProduct.counts(columns, rows, images, accumulate);
    }

    private static int firstInside(int pad, int offset, int stride) {
        return Math.ceilDiv(Math.max(0, pad - offset), stride);
    }

    private static int endInside(int pad, int offset, int stride, int in, int out) {
        int last = in - 1 + pad - offset;
        return last < 0 ? 0 : Math.min(out, last / stride + 1);
    }

    /** Where the first input row of a block is to be read: in place, or in scratch, where it is brought first. */
    private long image(int n0, int images, int first, int end, int c0, int part, long scratch) {
        int top = firstInputRow(first);
        int bottom = plan.blockRows() == 0 ? shape.h() : Math.min(shape.h(), (end - 1) * shape.strideH() - shape.padTop() + (shape.r() - 1) * shape.dilationH() + 1);
        long to = scratch + kernels.fetch().bytes();
        if (!plan.flat() && !plan.packImage() || top >= bottom) {
            return plan.flat() || plan.packImage() ? to : imageRow(n0, top, c0);
        }
        if (plan.packImage() && plan.sparse()) {
            int rows = end - first;
            for (int i = 0; i < images * rows; i++) {
                long row = imageRow(n0 + i / rows, (first + i % rows) * shape.strideH(), c0);
                kernels.packImage(part).run(to + (long) i * kernels.image().row(), row, shape.ow(), 0, 0, 0);
            }
            return to;
        }
        if (plan.packImage()) {
            kernels.packImage(part).run(to, imageRow(n0, top, c0), (long) images * (bottom - top) * shape.w(), 0, 0, 0);
            return to;
        }
        for (int n = 0; n < images; n++) {
            kernels.lines().run(to + (long) n * kernels.image().image(), imageRow(n0 + n, top, 0), bottom - top, 0, 0, 0);
        }
        return to;
    }

    private long gradient(int n0, int images, int first, int end, int k0, int part, long scratch) {
        long from = gradientRow(n0, first, k0);
        if (!plan.packGradient()) {
            return from;
        }
        kernels.packGradient(part).run(scratch + gradientAt, from, (long) images * (end - first) * shape.ow(), 0, 0, 0);
        return scratch + gradientAt;
    }

    /**
     * Notes what of block {@code b} is to be fetched for {@code item}: of each output position its numbers of dy, and as many of the pixels of x as there are to each; where a
     * kernel of one tap leaves pixels out, only those that it reads. Nothing if {@code b} is negative.
     */
    private void fetch(int b, int item, int passes, long at) {
        long walk = at + Fetch.FIRST;
        int walks = kernels.fetch().walks();
        if (b < 0) {
            note(at);
            return;
        }
        int partK = plan.swapped() ? columnPart(item) : rowPart(item);
        int partC = plan.swapped() ? rowPart(item) : columnPart(item);
        int turnsK = kernels.gradientTurns(partK);
        int turnsX = kernels.imageTurns(partC);
        long every = Math.max(1, passes / Math.max(1, turnsK + (walks - 1) * turnsX));
        ALL.set(JAVA_LONG, at, every);
        ALL.set(JAVA_LONG, at + 8, every);
        note(walk, gradientRow(firstImage(b), firstRow(b), firstGradientChannel(item)), 4L * shape.k(), 0, turnsK);
        long image = imageRow(firstImage(b), firstInputRow(firstRow(b)), plan.flat() ? 0 : firstImageChannel(item));
        long step = kernels.imageStep(partC);
        long row = rowGap();
        long positions = (long) plan.blockImages() * (plan.blockRows() == 0 ? shape.oh() : plan.blockRows()) * shape.ow();
        for (int i = 1; i < walks; i++) {
            note(walk + i * kernels.fetch().next(), image + (i - 1) * positions * step, step, row, turnsX);
        }
    }

    /** Notes that there is nothing to fetch. */
    private void note(long at) {
        for (int i = 0; i < kernels.fetch().walks(); i++) {
            note(at + Fetch.FIRST + i * kernels.fetch().next(), 0, 0, 0, 0);
        }
    }

    private static void note(long at, long address, long step, long row, long turns) {
        ALL.set(JAVA_LONG, at, address);
        ALL.set(JAVA_LONG, at + 8, step);
        ALL.set(JAVA_LONG, at + 16, row);
        ALL.set(JAVA_LONG, at + 24, turns);
    }
}
