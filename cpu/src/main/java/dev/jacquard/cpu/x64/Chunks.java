package dev.jacquard.cpu.x64;

/**
 * The rows of some images cut into chunks: parts of an image, or several images. Where the cuts lie follows from the shape alone.
 *
 * @param images in all
 * @param rows of an image
 * @param parts of an image; 1 if chunks are whole images
 * @param perChunk images of a chunk; 1 if an image has several parts
 */
record Chunks(int images, int rows, int parts, int perChunk) {
    /** Two cores that take so many chunks in turn are idle at the end for a small part of the time. */
    private static final int ENOUGH = 24;

    /** Shorter chunks cost more to hand out than they gain, longer ones need not be, in microseconds. */
    private static final double SHORTEST = 4;
    private static final double LONGEST = 200;

    /** Cuts them into chunks that cost about the same. @param rowCost of a row, in microseconds */
    static Chunks of(int images, int rows, double rowCost) {
        double image = rows * rowCost;
        double cost = Math.clamp(images * image / ENOUGH, SHORTEST, LONGEST);
        int parts = Math.clamp(Math.round(image / cost), 1, rows);
        int perChunk = Math.clamp(Math.round(cost / image), 1, images);
        return new Chunks(images, rows, parts, perChunk);
    }

    int count() {
        return parts > 1 ? images * parts : Math.ceilDiv(images, perChunk);
    }

    int firstImage(int chunk) {
        return parts > 1 ? chunk / parts : chunk * perChunk;
    }

    int endImage(int chunk) {
        return parts > 1 ? chunk / parts + 1 : Math.min(images, (chunk + 1) * perChunk);
    }

    int firstRow(int chunk) {
        return parts > 1 ? (int) ((long) rows * (chunk % parts) / parts) : 0;
    }

    int endRow(int chunk) {
        return parts > 1 ? (int) ((long) rows * (chunk % parts + 1) / parts) : rows;
    }
}
