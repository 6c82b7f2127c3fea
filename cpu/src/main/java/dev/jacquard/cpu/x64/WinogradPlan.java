package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.ConvShape;

/**
 * A 3x3 convolution of stride 1 as Winograd's algorithm sees it: forward, or the backward of data, which is one over rotated weights with input and output channels exchanged.
 *
 * @param n images
 * @param h rows of the image that is read
 * @param w its columns
 * @param c its channels
 * @param oh rows of the image that is written
 * @param ow its columns
 * @param k its channels
 * @param padTop zero rows above the image that is read
 * @param padLeft zero columns on its left
 * @param rotated whether it is a backward of data
 * @param rows algorithm along a column
 * @param cols algorithm along a row
 * @param blockRows rows of tiles that are transformed at once
 * @param staged whether all tiles are transformed before the products begin, so that these can be dealt out by channels as well; else a block goes through all stages in its
 *     worker's cache
 */
record WinogradPlan(int n, int h, int w, int c, int oh, int ow, int k, int padTop, int padLeft, boolean rotated, WinogradAxis rows, WinogradAxis cols, int blockRows,
        boolean staged) {
    private static final int TAPS = 3;

    /** Chunks that keep several cores busy to the end. */
    static final int ENOUGH_CHUNKS = 16;

    /** Whether there is a plan for a forward convolution. */
    static boolean takesForward(ConvShape s) {
        return s.r() == TAPS && s.s() == TAPS && s.strideH() == 1 && s.strideW() == 1 && s.dilationH() == 1 && s.dilationW() == 1 && s.groups() == 1 && fits(s.w(), s.c())
                && fits(s.ow(), s.k());
    }

    /** Whether there is one for a backward of data: padding of more than two cuts off its images. */
    static boolean takesBackwardData(ConvShape s) {
        return takesForward(s) && Math.max(Math.max(s.padTop(), s.padBottom()), Math.max(s.padLeft(), s.padRight())) < TAPS;
    }

    /** Whether distances within a tile's rows, and of transformed weights, can be written as displacements. */
    private static boolean fits(int width, int channels) {
        return (long) width * channels < 1 << 20 && channels < 1 << 12;
    }

    static WinogradPlan forward(ConvShape s, WinogradAxis rows, WinogradAxis cols, int blockRows, boolean staged) {
        return new WinogradPlan(s.n(), s.h(), s.w(), s.c(), s.oh(), s.ow(), s.k(), s.padTop(), s.padLeft(), false, rows, cols, blockRows, staged);
    }

    static WinogradPlan backwardData(ConvShape s, WinogradAxis rows, WinogradAxis cols, int blockRows, boolean staged) {
        return new WinogradPlan(s.n(), s.oh(), s.ow(), s.k(), s.h(), s.w(), s.c(), TAPS - 1 - s.padTop(), TAPS - 1 - s.padLeft(), true, rows, cols, blockRows, staged);
    }

    /** The same convolution in other blocks. */
    WinogradPlan cut(int rowsOfBlock, boolean inStages) {
        return new WinogradPlan(n, h, w, c, oh, ow, k, padTop, padLeft, rotated, rows, cols, rowsOfBlock, inStages);
    }

    /** Products per tile. */
    int points() {
        return rows.points() * cols.points();
    }

    /** Tiles below each other in an image. */
    int tilesDown() {
        return rows.tiles(oh);
    }

    /** Rows of the written image that a row of tiles has, by its place in an image. */
    int height(int down) {
        return Math.min(rows.outputs(), oh - down * rows.outputs());
    }

    /** Tiles beside each other. */
    int tilesAcross() {
        return cols.tiles(ow);
    }

    /** Rows of tiles of all images. */
    int tileRows() {
        return n * tilesDown();
    }

    /** Blocks of rows of tiles. */
    int blocks() {
        return Math.ceilDiv(tileRows(), blockRows);
    }

    /** Blocks that a worker takes at once, if it takes whole ones: what the next one will read can then be prefetched. */
    int blocksOfChunk() {
        return Math.max(1, blocks() / ENOUGH_CHUNKS);
    }

    /** Rows of tiles of a block. */
    int rowsOf(int block) {
        return Math.min(blockRows, tileRows() - block * blockRows);
    }
}
