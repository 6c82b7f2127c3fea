package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Workers;
import dev.jacquard.cpu.x64.TransposedProduct.Steps;

/**
 * Backward of weight of a dense or grouped convolution: dw[k, tap, c] = sum over positions of dy[position, k] * x[position at the tap, c], which for each tap is a product of two matrices whose rows are
 * positions. {@link TransposedProduct} computes one tap of one block of positions; a block of both operands stays in the second-level cache for all taps and tiles. Taps outside the image are not
 * multiplied: each tap has its own rectangle of positions.
 *
 * <p>Sums over a block are added to those of the blocks before, which also keeps their error small: it grows with the length of a block and the number of blocks, not with their product.
 */
final class WeightGradient implements Conv {
    private static final int PIECE = 16_384;

    private final WeightGradientPlan plan;
    private final ConvShape shape;
    private final Workers workers;
    private final Kernel[] kernels;
    private final Kernel sums;
    private final Kernel copies;
    private final Kernel[] clears;
    private final Steps image;
    private final Steps gradient;
    private final boolean rowsFollow;
    private final boolean imagesFollow;
    private final long imageAhead;
    private final long gradientAhead;
    private final int lineBytes;
    private final long copyBytes;
    private final long partBytes;
    private final int cRow;
    private final long cUnit;
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
        image = imageSteps(plan);
        gradient = gradientSteps(shape);
        rowsFollow = image.row() == shape.ow() * image.column() && gradient.row() == shape.ow() * gradient.column();
        imagesFollow = rowsFollow && image.image() == shape.oh() * image.row() && gradient.image() == shape.oh() * gradient.row();
        lineBytes = plan.flat() ? lineFloats(shape) * 4 : 0;
        copyBytes = plan.flat() ? align((long) lineBytes * (plan.blockRows() == 0 ? plan.blockImages() * shape.h() : copiedRows(plan))) : 0;
        partBytes = plan.partial() ? align(4 * plan.gradientFloats()) : 0;
        cRow = 4 * (plan.swapped() ? shape.groupK() : shape.r() * shape.s() * shape.groupC());
        cUnit = 4L * plan.imageChannels() * (plan.swapped() ? shape.groupK() : 1);
        // Copies are made of what comes next as a whole; there is nothing to fetch ahead of them.
        imageAhead = plan.flat() ? 0 : plan.blockRows() == 0 ? (long) plan.blockImages() * image.image() : (long) plan.blockRows() * image.row();
        gradientAhead = plan.blockRows() == 0 ? (long) plan.blockImages() * gradient.image() : (long) plan.blockRows() * gradient.row();
        kernels = kernels();
        copies = plan.flat() ? Kernel.of(copies()) : null;
        clears = new Kernel[plan.columnParts()];
        for (int j = 0; j < clears.length; j++) {
            clears[j] = Kernel.of(new PaddedRows(plan.set(), plan.column(j + 1) - plan.column(j), 0, 0, cRow, 0));
        }
        int groupFloats = Math.toIntExact(plan.gradientFloats() / shape.groups());
        sums = !plan.partial() ? null : Kernel.of(plan.swapped()
                ? new PartialSums.Transposed(plan.set(), plan.splits(), (int) partBytes, groupFloats / shape.groupK(), shape.groupK())
                : new PartialSums(plan.set(), plan.splits(), (int) partBytes));
    }

    /** Whether distances between images and the like fit into instructions. */
    static boolean fits(ConvShape s) {
        long most = 1L << 30;
        return 4L * s.h() * s.w() * s.c() < most && 4L * s.oh() * s.ow() * s.k() < most && 64L * s.r() * s.s() * s.c() < most && s.ow() < 1 << 20 && s.oh() < 1 << 19 && s.n() < 1 << 18
                && (long) s.k() * s.r() * s.s() * s.groupC() < most / 4;
    }

    static Conv of(ConvShape shape, Workers workers, InstructionSet set) {
        return new WeightGradient(WeightGradientPlan.of(shape, set), workers);
    }

    private static Steps imageSteps(WeightGradientPlan p) {
        ConvShape s = p.shape();
        int row = p.flat() ? lineFloats(s) * 4 : 4 * s.w() * s.c();
        return new Steps(4 * s.strideW() * s.c(), s.strideH() * row, s.h() * row);
    }

    private static Steps gradientSteps(ConvShape s) {
        int row = 4 * s.ow() * s.k();
        return new Steps(4 * s.k(), row, s.oh() * row);
    }

    /** Floats of an image's row with the zeros around it, as far as any window reaches. */
    private static int lineFloats(ConvShape s) {
        return ((s.ow() - 1) * s.strideW() + s.s()) * s.c();
    }

    private static int copiedRows(WeightGradientPlan p) {
        ConvShape s = p.shape();
        return Math.min(s.h(), (p.blockRows() - 1) * s.strideH() + (s.r() - 1) * s.dilationH() + 1);
    }

    private static long align(long bytes) {
        return bytes + 63 & -64L;
    }

    /** One kernel per part of rows and part of columns; those of equal size are the same. */
    private Kernel[] kernels() {
        Kernel[] all = new Kernel[plan.rowParts() * plan.columnParts()];
        for (int i = 0; i < plan.rowParts(); i++) {
            for (int j = 0; j < plan.columnParts(); j++) {
                int m = plan.row(i + 1) - plan.row(i);
                int n = plan.column(j + 1) - plan.column(j);
                all[i * plan.columnParts() + j] = Kernel.of(new TransposedProduct(plan.set(), plan.tile(), m, n,
                        plan.swapped() ? image : gradient, plan.swapped() ? gradient : image, cRow, fewUnits()));
            }
        }
        return all;
    }

    /** Whether an item has so few units that each has to fetch all that comes next. */
    private boolean fewUnits() {
        return plan.units() / plan.unitParts() <= plan.panelLines();
    }

    @Override
    public long workspaceBytes() {
        return workers.size() * copyBytes + plan.splits() * partBytes;
    }

    @Override
    public void run(long first, long second, long out, long scratch) {
        x = first;
        dy = second;
        dw = out;
        workspace = scratch;
        workers.run(compute, plan.items());
        if (plan.swapped()) {
            workers.run(add, shape.groups() * WeightGradientPlan.ceil(shape.groupK(), plan.set().lanes()));
        } else if (plan.partial()) {
            workers.run(add, Math.toIntExact((plan.gradientFloats() + PIECE - 1) / PIECE));
        }
    }

    private long partial(int split) {
        return plan.partial() ? workspace + workers.size() * copyBytes + split * partBytes : dw;
    }

    private void add(int chunk, int worker) {
        if (!plan.swapped()) {
            long at = 4L * chunk * PIECE;
            sums.run(dw + at, partial(0) + at, Math.min(PIECE, plan.gradientFloats() - (long) chunk * PIECE), 0, 0, 0);
            return;
        }
        int lanes = plan.set().lanes();
        int perGroup = WeightGradientPlan.ceil(shape.groupK(), lanes);
        int g = chunk / perGroup;
        int k = chunk % perGroup * lanes;
        long floats = plan.gradientFloats() / shape.groups();
        sums.run(dw + 4 * (g * floats + k * floats / shape.groupK()), partial(0) + 4 * (g * floats + k), Math.min(lanes, shape.groupK() - k), 0, 0, 0);
    }

    /** An item: a part of the blocks, a group, a part of the units, of the rows, of the columns; the last changes first. */
    private void compute(int item, int worker) {
        int j = item % plan.columnParts();
        int i = item / plan.columnParts() % plan.rowParts();
        int rest = item / plan.columnParts() / plan.rowParts();
        int u = rest % plan.unitParts();
        int g = rest / plan.unitParts() % shape.groups();
        int split = rest / plan.unitParts() / shape.groups();
        Kernel kernel = kernels[i * plan.columnParts() + j];
        long c = partial(split) + 4 * (g * (plan.gradientFloats() / shape.groups())) + (long) plan.row(i) * cRow + 4L * plan.column(j);
        int k0 = g * shape.groupK() + (plan.swapped() ? plan.column(j) : plan.row(i));
        int c0 = g * shape.groupC() + (plan.swapped() ? plan.row(i) : plan.column(j));
        long copy = workspace + worker * copyBytes;
        int blocks = plan.blocks();
        long begun = 0;
        for (int b = (int) ((long) blocks * split / plan.splits()); b < (int) ((long) blocks * (split + 1) / plan.splits()); b++) {
            begun = block(kernel, b, plan.unit(u), plan.unit(u + 1), k0, c0, c, copy, begun);
        }
        for (int unit = plan.unit(u); unit < plan.unit(u + 1); unit++) {
            if ((begun >> unit - plan.unit(u) & 1) == 0) {
                clears[j].run(c + unit * cUnit, 0, plan.row(i + 1) - plan.row(i), 0, 0, 0); // its taps lie outside everywhere
            }
        }
    }

    /** All units of a block of positions. @return the units that have sums by now, a bit each */
    private long block(Kernel kernel, int b, int u0, int u1, int k0, int c0, long c, long copy, long begunBefore) {
        int bands = plan.blockRows() == 0 ? 1 : WeightGradientPlan.ceil(shape.oh(), plan.blockRows());
        int n0 = plan.blockRows() == 0 ? b * plan.blockImages() : b / bands;
        int images = plan.blockRows() == 0 ? Math.min(plan.blockImages(), shape.n() - n0) : 1;
        int first = plan.blockRows() == 0 ? 0 : b % bands * plan.blockRows();
        int end = plan.blockRows() == 0 ? shape.oh() : Math.min(shape.oh(), first + plan.blockRows());
        long from = plan.flat() ? copyRows(n0, images, first, end, copy) : x + 4L * c0 + (long) n0 * image.image();
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
            long ih = (long) oh0 * shape.strideH() - shape.padTop() + r * shape.dilationH() - (plan.flat() && plan.blockRows() != 0 ? firstRow(first) : 0);
            long iw = plan.flat() ? 0 : (long) ow0 * shape.strideW() - shape.padLeft() + s * shape.dilationW();
            long imageAt = from + ih * (image.row() / shape.strideH()) + 4 * iw * shape.c();
            long gradientAt = dy + 4 * ((((long) n0 * shape.oh() + oh0) * shape.ow() + ow0) * shape.k() + k0);
            boolean accumulate = (begun >> unit - u0 & 1) != 0;
            run(kernel, imageAt, gradientAt, c + unit * cUnit, counts(ow1 - ow0, oh1 - oh0, images, accumulate), unit - u0);
            begun |= 1L << unit - u0;
        }
        return begun;
    }

    /** Where a rectangle's rows or images follow one another without a gap, they are one row. */
    private long counts(int columns, int rows, int images, boolean accumulate) {
        if (rowsFollow && columns == shape.ow()) {
            boolean all = imagesFollow && rows == shape.oh();
            return TransposedProduct.counts(columns * rows * (all ? images : 1), 1, all ? 1 : images, accumulate);
        }
        return TransposedProduct.counts(columns, rows, images, accumulate);
    }

    /** The units of a block share the work of fetching the next block's operands: one line of each panel's rows each, numbers that are broadcast by the last. */
    private void run(Kernel kernel, long imageAt, long gradientAt, long c, long counts, int unit) {
        boolean few = fewUnits();
        long line = few ? 0 : 64L * unit;
        boolean columns = few || unit < plan.panelLines();
        boolean rows = few || unit == plan.panelLines();
        if (plan.swapped()) {
            kernel.run(imageAt, gradientAt, c, counts, rows ? imageAhead : 0, columns ? gradientAhead + line : 0);
        } else {
            kernel.run(gradientAt, imageAt, c, counts, rows ? gradientAhead : 0, columns ? imageAhead + line : 0);
        }
    }

    private static int firstInside(int pad, int offset, int stride) {
        return WeightGradientPlan.ceil(Math.max(0, pad - offset), stride);
    }

    private static int endInside(int pad, int offset, int stride, int in, int out) {
        int last = in - 1 + pad - offset;
        return last < 0 ? 0 : Math.min(out, last / stride + 1);
    }

    /** First row of the image that the windows of output rows from {@code oh} on reach. */
    private int firstRow(int oh) {
        return Math.max(0, oh * shape.strideH() - shape.padTop());
    }

    /** Rows of images with the zeros around them. */
    private long copyRows(int n0, int images, int oh0, int oh1, long to) {
        boolean whole = plan.blockRows() == 0;
        int first = whole ? 0 : firstRow(oh0);
        int end = whole ? shape.h() : Math.min(shape.h(), (oh1 - 1) * shape.strideH() - shape.padTop() + (shape.r() - 1) * shape.dilationH() + 1);
        for (int n = 0; n < images; n++) {
            long from = x + 4L * ((n0 + n) * (long) shape.h() + first) * shape.w() * shape.c();
            copies.run(to + (long) n * shape.h() * lineBytes, from, Math.max(0, end - first), 0, 0, 0);
        }
        return to;
    }

    private PaddedRows copies() {
        int line = lineBytes / 4;
        int before = Math.min(line, shape.padLeft() * shape.c());
        int inside = Math.min(line - before, shape.w() * shape.c());
        return new PaddedRows(plan.set(), before, inside, line - before - inside, lineBytes, 4 * shape.w() * shape.c());
    }
}
