package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;

/**
 * Mean and biased variance of the columns of results, in F32 whatever these are of, from what kernels leave of each tile in the workspace: outputs 1 and 2. Two steps where a
 * column has many tiles.
 *
 * @param rows of the results
 * @param columns of the results
 * @param perChunk rows of a tile
 */
record ColumnStatistics(long rows, long columns, int perChunk) {
    private static final String MODULE = "column_statistics";
    private static final int GROUP = 64;
    /** So many chunks take one block per 32 columns no longer than a launch more would. */
    private static final int FEW = 128;

    private long chunks() {
        return Call.blocks(rows, perChunk);
    }

    private long groups() {
        return chunks() > FEW ? Call.blocks(chunks(), GROUP) : 0;
    }

    private long bytes(long parts) {
        return parts * 2 * columns * Float.BYTES;
    }

    /** Scratch in bytes. */
    long workspace() {
        return bytes(chunks()) + bytes(groups());
    }

    /** After a launch that left its tiles' statistics at the beginning of the workspace, what makes the columns' of them. */
    CudaLaunch then(Call call, CudaLaunch launch) {
        long combined = call.workspace() + bytes(chunks());
        if (groups() == 0) {
            return call.sequence(launch, finish(call, call.workspace(), chunks(), perChunk));
        }
        CudaLaunch combine = call.launch(MODULE, "column_combine", DType.F32)
                .grid(Call.blocks(columns, 32), groups(), 1)
                .block(32, 8, 1)
                .pointer(call.workspace()).pointer(combined).i32(chunks()).i32(GROUP).i32(perChunk).i32(rows).i32(columns)
                .build();
        return call.sequence(launch, combine, finish(call, combined, groups(), (long) GROUP * perChunk));
    }

    /** Makes the columns' of what lies at an address: of so many parts, each of so many rows but the last. */
    CudaLaunch finish(Call call, long partial, long parts, long each) {
        return call.launch(MODULE, "column_finish", DType.F32)
                .grid(Call.blocks(columns, 32))
                .block(32, 8, 1)
                .pointer(partial).pointer(call.out(1)).pointer(call.out(2)).i32(parts).i32(each).i32(rows).i32(columns)
                .build();
    }
}
