package dev.jacquard.data;

import dev.jacquard.data.Resampler.Job;

/**
 * What a decoder is asked for: a part of an image, and how small it may be.
 *
 * @param left      first column of the part, in the whole image
 * @param top       first row
 * @param width     columns of the part
 * @param height    rows of the part
 * @param reduction the largest factor, 1, 2, 4 or 8, by which the decoder may make it smaller
 */
record Wanted(int left, int top, int width, int height, int reduction) {
    /** A reduced picture is resized by at least this factor afterwards, so that what the two filters do to it together is what one would. */
    private static final int SPARE = 2;

    /** All of an image, as it is. */
    static Wanted whole(int width, int height) {
        return new Wanted(0, 0, width, height, 1);
    }

    /** The same part, not reduced. */
    Wanted unreduced() {
        return reduction == 1 ? this : new Wanted(left, top, width, height, 1);
    }

    /**
     * What a job reads of an image: the columns and rows that the filters of its window reach.
     *
     * @param width  columns of the whole image
     * @param height rows of the whole image
     */
    static Wanted of(Job job, int width, int height, Decoding decoding) {
        int reduction = 1;
        if (decoding == Decoding.REDUCED) {
            double across = (double) job.crop().width() / job.width();
            double down = (double) job.crop().height() / job.height();
            while (reduction < 8 && Math.min(across, down) >= 2 * SPARE * reduction) {
                reduction *= 2;
            }
        }
        Interpolation filter = job.interpolation();
        boolean flip = job.flip() && filter.isTwoTap(); // mirrors the source, so that the window lies elsewhere in it
        double x = flip ? job.width() - job.window().x() - job.window().width() : job.window().x();
        int[] columns = span(job.crop().x(), job.crop().width(), job.width(), x, job.window().width(), filter, reduction, width);
        int[] rows = span(job.crop().y(), job.crop().height(), job.height(), job.window().y(), job.window().height(), filter, reduction, height);
        return new Wanted(columns[0], rows[0], columns[1] - columns[0], rows[1] - rows[0], reduction);
    }

    /** First and one past the last position that outputs {@code at} to {@code at + outputs - 1} read, generously. */
    private static int[] span(double crop, double length, double out, double at, double outputs, Interpolation filter, int reduction, int full) {
        double scale = length / out;
        double reach = filter.support * (filter.antialias ? Math.max(scale, reduction) : reduction) + 2 * reduction;
        int from = (int) Math.floor(Math.max(at * scale - reach, 0) + crop);
        int to = (int) Math.ceil(Math.min((at + outputs) * scale + reach, length) + crop);
        from = Math.clamp(from, 0, full - 1);
        return new int[] {from / reduction * reduction, Math.clamp(Math.ceilDiv(to, reduction) * (long) reduction, from + 1, full)};
    }
}
