package dev.jacquard.data;

/**
 * How pixels are computed when an image is resized. Coordinates are of pixel centres ({@code (i + 0.5) * in / out}) but for
 * {@link #BILINEAR_TF1}.
 */
public enum Interpolation {
    /**
     * Pillow's {@code BILINEAR}, and so torchvision's on images: a triangle filter that is widened by the factor of reduction
     * (antialiasing). DALI's {@code INTERP_LINEAR} with its default, antialiasing, and its older {@code INTERP_TRIANGULAR} are this filter too.
     */
    BILINEAR(1, true),
    /** Pillow's {@code BICUBIC}: cubic convolution with a = -0.5 (Keys 1981), widened by the factor of reduction. */
    BICUBIC(2, true),
    /** The two nearest pixels of each axis, also when reducing: DALI's {@code INTERP_LINEAR} without antialiasing. */
    BILINEAR_ALIASED(1, false),
    /**
     * The four nearest pixels of each axis, a = -0.5, also when reducing: DALI's {@code INTERP_CUBIC} without antialiasing, but rounded to
     * 8 bits between the axes.
     */
    BICUBIC_ALIASED(2, false),
    /**
     * TensorFlow's {@code compat.v1.image.resize(BILINEAR, align_corners=False)}: as {@link #BILINEAR_ALIASED}, but coordinates
     * are of pixel corners ({@code i * in / out}), which moves the picture by up to half a pixel.
     */
    BILINEAR_TF1(1, false);

    /** Reach of the filter to each side, in pixels of the wider raster. */
    final int support;
    /** Whether the filter is widened when reducing. */
    final boolean antialias;

    Interpolation(int support, boolean antialias) {
        this.support = support;
        this.antialias = antialias;
    }

    /** The filter's value at a distance of 0 or more. */
    double weight(double x) {
        if (support == 1) {
            return Math.max(1 - x, 0);
        }
        if (x < 1) {
            return (1.5 * x - 2.5) * x * x + 1;
        }
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
    }

    /** Whether a result is a mean of two by two pixels. */
    boolean isTwoTap() {
        return support == 1 && !antialias;
    }
}
