package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;

/**
 * How a kernel that keeps something per channel is spread over a (rows, C) tensor: blocks of (tx, ty) threads, each with a tile of tx packs of channels and a run of rows; see
 * {@code kernels/include/channels.cuh}. A function of the shape and the element type alone, so that sums are cut the same way on every device.
 *
 * @param rows of the tensor
 * @param channels C
 * @param width channels of one thread: a pack of 16 bytes, or 1 where C is not a multiple of one
 * @param tx threads next to each other
 * @param ty threads of a block on different rows
 * @param tiles blocks next to each other
 * @param perBlock rows of a block
 * @param chunks blocks above each other
 */
record ChannelWalk(int rows, int channels, int width, int tx, int ty, int tiles, int perBlock, int chunks) {
    private static final int MAX_TX = 32;
    /** A row of a tile is not made narrower than this many packs to have more tiles: 128 bytes, a full line of the cache. */
    private static final int MIN_TX = 8;
    /** Blocks that keep any device busy; there is no gain in more where each costs a partial result. */
    private static final int ENOUGH_BLOCKS = 512;

    /** The walk of a kernel that makes one partial result per block. @param images how often the grid is repeated for other images */
    static ChannelWalk reducing(long rows, int channels, DType dtype, long images) {
        return of(Math.toIntExact(rows), channels, dtype, 4, Math.max(1, ENOUGH_BLOCKS / images), images);
    }

    /**
     * The walk of a kernel that writes what it reads: as many blocks as give each thread a few rows, or, of little, as many as load theirs at once. @param images how often the
     * grid is repeated for other images
     */
    static ChannelWalk mapping(long rows, int channels, DType dtype, long images) {
        ChannelWalk walk = null;
        for (int rowsPerThread = 8; rowsPerThread >= 2 && (walk == null || images * walk.chunks * walk.tiles < ENOUGH_BLOCKS / 4); rowsPerThread /= 2) {
            walk = of(Math.toIntExact(rows), channels, dtype, rowsPerThread, Integer.MAX_VALUE, images);
        }
        return walk;
    }

    private static ChannelWalk of(int rows, int channels, DType dtype, int rowsPerThread, long maxBlocks, long images) {
        // The cut into chunks is that of half types for every type: what is measured does not hang on it, and a shape has one number of partial results.
        int nominal = width(channels, DType.F16);
        int widest = MAX_TX;
        int chunks = chunks(rows, Tile.of(rows, channels, nominal, widest), rowsPerThread, maxBlocks);
        while (widest > MIN_TX && images * chunks * Tile.of(rows, channels, nominal, widest).count < ENOUGH_BLOCKS / 4) { // few rows: narrower tiles instead
            widest /= 2;
            chunks = chunks(rows, Tile.of(rows, channels, nominal, widest), rowsPerThread, maxBlocks);
        }
        int perBlock = Math.toIntExact(Call.blocks(rows, chunks));
        int width = width(channels, dtype);
        Tile tile = Tile.of(perBlock, channels, width, widest);
        return new ChannelWalk(rows, channels, width, tile.tx, tile.ty, tile.count, perBlock, Math.toIntExact(Call.blocks(rows, perBlock)));
    }

    private static int width(int channels, DType dtype) {
        int pack = 16 / dtype.bytes();
        return channels % pack == 0 ? pack : 1;
    }

    private static int chunks(int rows, Tile tile, int rowsPerThread, long maxBlocks) {
        return Math.toIntExact(Math.max(1, Math.min(Math.max(1, maxBlocks / tile.count), rows / ((long) tile.ty * rowsPerThread))));
    }

    /** A block's shape, and how many make a row. */
    private record Tile(int tx, int ty, int count) {
        static Tile of(int rows, int channels, int width, int widest) {
            int packs = channels / width;
            int tiles = (packs + widest - 1) / widest;
            int even = (packs + tiles - 1) / tiles;
            int tx = tiles == 1 ? packs : Math.min(widest, even + even % 2); // tiles begin at multiples of 32 bytes, the unit of memory
            return new Tile(tx, Math.min(Call.BLOCK / tx, rows), (packs + tx - 1) / tx);
        }
    }

    /** Begins a launch of {@code symbol}, or of its form for single elements, on this walk. @param images depth of the grid */
    KernelLaunch.Builder launch(Call call, String module, String symbol, DType dtype, long images) {
        return call.launch(module, width == 1 ? symbol + "1" : symbol, dtype).grid(chunks, tiles, images).block(tx, ty, 1);
    }
}
