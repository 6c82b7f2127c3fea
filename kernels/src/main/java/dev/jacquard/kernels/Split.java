package dev.jacquard.kernels;

/**
 * How the depth of a tiled product is divided among blocks where its tiles are too few to fill a device. It follows from the shape alone, so that results do not depend on the device.
 *
 * @param parts number of parts; with more than one their sums go through the workspace
 * @param depth of each but the last, a multiple of the kernels' slices
 */
record Split(int parts, int depth) {
    private static final long SLICE = 16;
    /** Two for each multiprocessor of the largest devices. */
    private static final long ENOUGH_BLOCKS = 264;
    /** A part does at least so much: below, writing and adding up its sums costs more than it saves. */
    private static final long LEAST_DEPTH = 64;

    /** For a product of so many tiles. */
    static Split of(long tiles, long depth) {
        return of(tiles, depth, SLICE);
    }

    /** For a product of so many tiles by a kernel with slices so deep. */
    static Split of(long tiles, long depth, long slice) {
        long parts = Math.max(1, Math.min(ENOUGH_BLOCKS / Math.max(tiles, 1), Call.blocks(depth, LEAST_DEPTH)));
        return into(parts, depth, slice);
    }

    /** Into so many parts, or fewer where they would be empty. @param slice that each but the last is a multiple of */
    static Split into(long parts, long depth, long slice) {
        long each = Math.max(1, Call.blocks(Call.blocks(depth, parts), slice)) * slice;
        return new Split(Math.toIntExact(Call.blocks(depth, each)), Math.toIntExact(each));
    }

    /** One whose kernels leave their sums in the workspace, which those of one part do not: two then, of which the second is empty. */
    Split leavingSums() {
        return parts > 1 ? this : new Split(2, depth);
    }

    /** Scratch that the parts' sums of so many results take, in bytes. */
    long workspace(long results) {
        return parts == 1 ? 0 : parts * results * Float.BYTES;
    }

    /** After a launch that left its parts' sums in the workspace, the one that adds them up; the launch alone if there is one part. */
    CudaLaunch then(Call call, CudaLaunch launch) {
        if (parts == 1) {
            return launch;
        }
        long n = call.outShape(0).size();
        return call.sequence(launch, call.launch("split_sum", "split_sum", call.out().getFirst().dtype())
                .grid(Call.blocks(n, 4L * Call.BLOCK))
                .block(Call.BLOCK)
                .pointer(call.workspace()).pointer(call.out(0)).i64(n).i32(parts)
                .build());
    }

    /** After a launch that left sums in the workspace, of one part or more, the one that adds them up and does what follows them. @param columns of the results */
    CudaLaunch then(Call call, CudaLaunch launch, Epilogue epilogue, long columns) {
        long n = call.outShape(0).size();
        return call.sequence(launch, call.launch("split_sum", "split_epilogue", call.out().getFirst().dtype())
                .grid(Call.blocks(n, 4L * Call.BLOCK))
                .block(Call.BLOCK)
                .pointer(call.workspace()).pointer(call.out(0)).i64(n).i32(columns).i32(parts).struct(epilogue.parameters(call))
                .build());
    }
}
