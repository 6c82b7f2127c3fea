package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.ConvShape;

/**
 * How the output pixels of a convolution are cut into blocks, by the shape alone: whole output rows of one image, or whole images, whose inputs are copied to padded rows of their
 * own; where pixels are read in place, any number of pixels. A block is a range of images and of rows.
 *
 * @param shape the convolution
 * @param direct whether pixels are read where they lie: the matrix is the input
 * @param images of a block
 * @param rows of output of a block, in each of its images
 */
record ByteBlocks(ConvShape shape, boolean direct, int images, int rows) {
    private static final int PIXELS = 192;
    private static final int BYTES = 192 << 10;

    static ByteBlocks of(ConvShape s) {
        boolean still = s.r() == 1 && s.s() == 1 && s.strideH() == 1 && s.strideW() == 1 && s.padTop() + s.padBottom() + s.padLeft() + s.padRight() == 0;
        if (still && s.groups() == 1 && s.c() % 4 == 0) {
            int pixels = s.n() * s.oh() * s.ow();
            int most = Math.max(48, Math.min(2 * PIXELS, BYTES / s.c()));
            return new ByteBlocks(s, true, 1, Pieces.even(pixels, most));
        }
        int wanted = Math.max(1, Math.ceilDiv(PIXELS, s.ow()));
        if (wanted >= s.oh()) {
            return new ByteBlocks(s, false, Pieces.even(s.n(), Math.max(1, PIXELS / (s.oh() * s.ow()))), s.oh());
        }
        return new ByteBlocks(s, false, 1, Pieces.even(s.oh(), wanted));
    }

    /** Rows that are cut: output rows of an image, or all pixels. */
    private int height() {
        return direct ? shape.n() * shape.oh() * shape.ow() : shape.oh();
    }

    private int width() {
        return direct ? 1 : shape.ow();
    }

    private int perImage() {
        return Math.ceilDiv(height(), rows);
    }

    int count() {
        return direct ? perImage() : Math.ceilDiv(shape.n(), images) * perImage();
    }

    int firstImage(int block) {
        return direct ? 0 : block / perImage() * images;
    }

    int imagesOf(int block) {
        return direct ? 1 : Math.min(images, shape.n() - firstImage(block));
    }

    int firstRow(int block) {
        return block % perImage() * rows;
    }

    int rowsOf(int block) {
        return Math.min(rows, height() - firstRow(block));
    }

    int pixelsOf(int block) {
        return imagesOf(block) * rowsOf(block) * width();
    }

    /** The first output pixel of a block, of all images. */
    long firstPixel(int block) {
        return ((long) firstImage(block) * height() + firstRow(block)) * width();
    }

    /** Input rows from one row of copies to the next. */
    int rowStep() {
        return shape.r() == 1 ? shape.strideH() : 1;
    }

    /** Copied rows of an image for some rows of output. */
    int copiedRows(int outputs) {
        return shape.r() == 1 ? outputs : (outputs - 1) * shape.strideH() + shape.dilationH() * (shape.r() - 1) + 1;
    }

    /** Bytes of a padded row. */
    int pitch() {
        int needed = (shape.ow() - 1) * shape.strideW() + shape.dilationW() * (shape.s() - 1) + 1;
        return Math.max(needed, shape.padLeft() + shape.w()) * shape.c();
    }

    /** Bytes of all copied rows; none where pixels are read in place. What may be read behind them is not in it. */
    long copiedBytes() {
        return direct ? 0 : (long) images * copiedRows(rows) * pitch();
    }

    /** Offset of an output pixel's first input byte from the block's. */
    int offset(int pixel) {
        if (direct) {
            return pixel * shape.c();
        }
        int image = pixel / (rows * shape.ow());
        int row = pixel / shape.ow() % rows;
        int step = shape.r() == 1 ? 1 : shape.strideH();
        return (image * copiedRows(rows) + row * step) * pitch() + pixel % shape.ow() * shape.strideW() * shape.c();
    }
}
