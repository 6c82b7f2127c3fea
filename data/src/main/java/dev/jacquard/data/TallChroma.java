package dev.jacquard.data;

/**
 * Components of a JPEG with all of the picture's columns and half of its rows (4:4:0, what turning a 4:2:2 picture without loss makes). libjpeg-turbo smooths them since version
 * 2.0.3, and so does Pillow; the JDK's libjpeg and older libraries repeat each row. Such pictures are therefore decoded by the JDK's and smoothed here, with libjpeg-turbo's
 * integers: a row is three parts of its own sample and one of the nearer neighbour's.
 */
final class TallChroma {
    private TallChroma() {}

    /** The first row that has to be decoded for a part that begins at {@code top}. */
    static int firstRow(int top) {
        return Math.max((top & -2) - 2, 0);
    }

    /** One past the last row that has to be decoded for a part that ends before {@code bottom}. @param height of the picture */
    static int endRow(int bottom, int height) {
        return Math.min((bottom + 1 & -2) + 2, height);
    }

    /**
     * Smooths components whose rows come twice each, in place.
     *
     * @param samples interleaved, rows from an even one on
     * @param stride  bytes from row to row
     * @param rows    of the samples; the outermost are taken for the picture's
     * @param bands   components
     * @param tall    which ones to smooth, a bit for each
     */
    static void smooth(byte[] samples, int stride, int rows, int bands, int tall) {
        for (int band = 0; band < bands; band++) {
            for (int x = band; (tall >> band & 1) != 0 && x < stride; x += bands) {
                int above = samples[x] & 0xFF;
                int own = above;
                for (int y = 0; y < rows; y += 2) {
                    int at = y * stride + x;
                    int below = y + 2 < rows ? samples[at + 2 * stride] & 0xFF : own;
                    samples[at] = (byte) (3 * own + above + 1 >> 2);
                    if (y + 1 < rows) {
                        samples[at + stride] = (byte) (3 * own + below + 2 >> 2);
                    }
                    above = own;
                    own = below;
                }
            }
        }
    }
}
