package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Raw;
import dev.jacquard.cpu.x64.TransposedProduct.Fetch;
import dev.jacquard.cpu.x64.TransposedProduct.Steps;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * The kernels of a {@link WeightGradientPlan}, one per part of rows and part of columns (those of equal parts are the same), and how they walk through their operands, in place or
 * brought together.
 */
final class WeightGradientKernels {
    /** Walks that copy: one that only fetches the first rows, larger pieces of rows, smaller ones; one that only fetches the first columns, columns. */
    private static final int COPIES = 5;

    private final WeightGradientPlan plan;
    private final ConvShape shape;
    private final int cRow;
    private final int imagePitch;
    private final int gradientPitch;
    private final int imagePositions;
    private final int gradientPositions;
    private final Steps image;
    private final Steps gradient;
    private final Fetch fetch;
    private final int[] gradientTurns;
    private final int[] imageTurns;
    private final int[] imageStep;
    private final Kernel[] products;
    private final Kernel[] packImage;
    private final Kernel[] packGradient;
    private final Kernel[] clears;
    private final Kernel lines;
    private final Kernel sums;

    WeightGradientKernels(WeightGradientPlan plan) {
        this.plan = plan;
        shape = plan.shape();
        cRow = 4 * (plan.swapped() ? shape.groupK() : shape.r() * shape.s() * shape.groupC());
        imagePitch = pitch(plan.swapped());
        gradientPitch = pitch(!plan.swapped());
        imagePositions = plan.blockImages() * plan.blockInputRows() * shape.w();
        gradientPositions = plan.blockImages() * (plan.blockRows() == 0 ? shape.oh() : plan.blockRows()) * shape.ow();
        image = imageSteps();
        gradient = gradientSteps();
        fetch = fetches();
        gradientTurns = table(plan.swapped() ? plan.columnParts() : plan.rowParts(), i -> Math.ceilDiv(plan.gradientLines(i), fetch.lines()));
        int imageParts = plan.swapped() ? plan.rowParts() : plan.columnParts();
        imageTurns = table(imageParts, i -> Math.ceilDiv(plan.imageLines(i), fetch.lines()));
        imageStep = table(imageParts, plan::imageStep);
        int parts = plan.columnParts();
        products = new Kernel[plan.rowParts() * parts];
        for (int i = 0; i < products.length; i++) {
            products[i] = Kernel.of(new TransposedProduct(plan.set(), plan.tile(), rows(i / parts), columns(i % parts), plan.swapped() ? image : gradient,
                    plan.swapped() ? gradient : image, cRow, fetch));
        }
        packImage = plan.packImage() ? packs(plan.swapped(), imagePitch, piece(image), plan.sparse() ? shape.strideW() * shape.c() : shape.c()) : null;
        packGradient = plan.packGradient() ? packs(!plan.swapped(), gradientPitch, piece(gradient), shape.k()) : null;
        clears = new Kernel[parts];
        for (int j = 0; j < parts; j++) {
            clears[j] = Kernel.of(new PaddedRows(plan.set(), columns(j), 0, 0, cRow, 0));
        }
        lines = plan.flat() ? Kernel.of(lineCopies()) : null;
        sums = plan.partial() ? Kernel.of(partialSums()) : null;
    }

    /** Two lines at a turn where tiles are so few that a block would not come in otherwise while the one before is computed, and memory is fast enough for that. */
    private Fetch fetches() {
        if (plan.ahead()) {
            return new Fetch(COPIES, 1, true);
        }
        int lines = plan.gradientLines(0) + plan.imageLines(0) * plan.imageWalks();
        boolean two = lines > (plan.unit(1) - plan.unit(0)) * tiles(0, 0) && !plan.memoryBound();
        return new Fetch(1 + plan.imageWalks(), two ? 2 : 1, false);
    }

    /** How the next block's operands are brought near. */
    Fetch fetch() {
        return fetch;
    }

    /** Turns that a walk through a part of dy takes. */
    int gradientTurns(int part) {
        return gradientTurns[part];
    }

    /** Turns that a walk through a part of x takes. */
    int imageTurns(int part) {
        return imageTurns[part];
    }

    /** Bytes of a step of a walk through a part of x. */
    int imageStep(int part) {
        return imageStep[part];
    }

    private static int[] table(int parts, IntUnaryOperator each) {
        return IntStream.range(0, parts).map(each).toArray();
    }

    private int rows(int i) {
        return plan.row(i + 1) - plan.row(i);
    }

    private int columns(int j) {
        return plan.column(j + 1) - plan.column(j);
    }

    /** Bytes of a position in a piece of packed rows, or columns. */
    private int pitch(boolean rows) {
        return plan.ahead() ? plan.set().bytes() : rows ? 4 * plan.tile().rows() : plan.tile().vectors() * plan.set().bytes();
    }

    private Steps imageSteps() {
        if (plan.packImage() && plan.sparse()) {
            int row = shape.ow() * imagePitch; // of pixels that are left out there is no copy
            return steps(imagePitch, row, shape.oh() * row, PackedPieces.bytes(imagePitch, gradientPositions), !plan.swapped());
        }
        int pixel = plan.packImage() ? imagePitch : 4 * shape.c();
        int row = plan.flat() ? 4 * plan.lineFloats() : shape.w() * pixel;
        return steps(shape.strideW() * pixel, shape.strideH() * row, shape.h() * row, plan.packImage() ? PackedPieces.bytes(imagePitch, imagePositions) : 0, !plan.swapped());
    }

    /** Tiles that copy have each vector of columns in a piece by itself. */
    private Steps steps(int column, int row, int image, int piece, boolean columns) {
        return columns && plan.ahead() ? new Steps(column, row, image, 0, piece) : new Steps(column, row, image, piece, plan.set().bytes());
    }

    private Steps gradientSteps() {
        int pixel = plan.packGradient() ? gradientPitch : 4 * shape.k();
        int row = shape.ow() * pixel;
        return steps(pixel, row, shape.oh() * row, plan.packGradient() ? PackedPieces.bytes(gradientPitch, gradientPositions) : 0, plan.swapped());
    }

    private Kernel[] packs(boolean ofRows, int pitch, int pieceBytes, int channels) {
        Kernel[] all = new Kernel[ofRows ? plan.rowParts() : plan.columnParts()];
        for (int i = 0; i < all.length; i++) {
            Pieces pieces = pieces(ofRows, i);
            all[i] = Kernel.of(new PackedPieces(plan.set(), pieces, pitch, pieceBytes, 4 * channels));
        }
        return all;
    }

    private static int piece(Steps s) {
        return s.piece() == 0 ? s.vector() : s.piece();
    }

    private Pieces pieces(boolean ofRows, int part) {
        return ofRows ? plan.tile().rows(rows(part)) : new Pieces(columns(part), plan.set().lanes(), plan.ahead() ? 1 : plan.tile().vectors());
    }

    private PaddedRows lineCopies() {
        int line = plan.lineFloats();
        int before = Math.min(line, shape.padLeft() * shape.c());
        int inside = Math.min(line - before, shape.w() * shape.c());
        return new PaddedRows(plan.set(), before, inside, line - before - inside, 4 * line, 4 * shape.w() * shape.c());
    }

    private Kernel.Spec partialSums() {
        int stride = (int) Raw.align(4 * plan.gradientFloats());
        int groupFloats = Math.toIntExact(plan.gradientFloats() / shape.groups());
        return plan.swapped() ? new PartialSums.Transposed(plan.set(), plan.splits(), stride, groupFloats / shape.groupK(), shape.groupK())
                : new PartialSums(plan.set(), plan.splits(), stride);
    }

    /** Bytes of scratch for a block of x. */
    long imageBytes() {
        if (plan.packImage()) {
            return (long) piece(image) * mostPieces(plan.swapped());
        }
        return plan.flat() ? Raw.align(4L * plan.lineFloats() * plan.blockImages() * plan.blockInputRows()) : 0;
    }

    /** Bytes of scratch for a block of dy. */
    long gradientBytes() {
        return plan.packGradient() ? (long) piece(gradient) * mostPieces(!plan.swapped()) : 0;
    }

    private int mostPieces(boolean ofRows) {
        int most = 0;
        for (int i = 0; i < (ofRows ? plan.rowParts() : plan.columnParts()); i++) {
            most = Math.max(most, pieces(ofRows, i).count());
        }
        return most;
    }

    /** Steps through x. */
    Steps image() {
        return image;
    }

    /** Steps through dy. */
    Steps gradient() {
        return gradient;
    }

    /** Bytes from a row of an image to the next; not asked for where pixels are left out. */
    int imageRow() {
        return image.row() / shape.strideH();
    }

    /** Bytes from a pixel to the next. */
    int imagePixel() {
        return image.column() / shape.strideW();
    }

    /** Bytes from a row of a product to the next. */
    int cRow() {
        return cRow;
    }

    /** Bytes from a unit's product to the next unit's. */
    long cUnit() {
        return 4L * plan.imageChannels() * (plan.swapped() ? shape.groupK() : 1);
    }

    Kernel product(int i, int j) {
        return products[i * plan.columnParts() + j];
    }

    Kernel packImage(int part) {
        return packImage[part];
    }

    Kernel packGradient(int part) {
        return packGradient[part];
    }

    /** Tiles of a unit's product of two parts. */
    int tiles(int i, int j) {
        return plan.tile().rows(rows(i)).count() * plan.tile().columns(columns(j), plan.set()).count();
    }

    /** Sets the columns of part {@code j} to zero. */
    Kernel clear(int j) {
        return clears[j];
    }

    /** Copies lines of images with zeros around them. */
    Kernel lines() {
        return lines;
    }

    /** Adds up the splits' sums. */
    Kernel sums() {
        return sums;
    }
}
