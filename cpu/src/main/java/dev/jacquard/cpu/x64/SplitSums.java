package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.ConvShape;

/**
 * Where gradients of weights of depthwise and grouped convolutions are summed up: rows of dy are cut into splits, each with sums of its own for all vectors of channels; these are
 * added in order and brought into the weights' order at the end, some vectors at a time. All cuts follow from the shape.
 */
final class SplitSums {
    /** Splits, and parts of the end, at most. */
    static final int CHUNKS = 16;

    /** What is read has to be so many times what the sums of a split are. */
    private static final int SHARE = 8;

    private final ConvShape shape;
    private final int lanes;
    private final int vectors;
    private final long vectorBytes;
    private final long bytes;
    private final int splits;
    private final Kernel adder;
    private final Kernel unpacker;

    /** @param vectors of channels @param vectorBytes sums of one of them @param bytes from a split's sums to the next ones, at least those of all vectors */
    SplitSums(InstructionSet set, ConvShape shape, int vectors, long vectorBytes, long bytes) {
        this.shape = shape;
        this.vectors = vectors;
        this.vectorBytes = vectorBytes;
        this.bytes = bytes;
        lanes = set.lanes();
        splits = (int) Math.clamp(read(shape) / (SHARE * bytes), 1, Math.min(CHUNKS, (long) shape.n() * shape.oh()));
        adder = Kernel.of(new PartialSums(set, splits, Math.toIntExact(bytes)));
        unpacker = Kernel.of(new UnpackKernel(set, shape.r(), shape.s(), shape.groupC()));
    }

    /** Bytes of both operands. */
    static long read(ConvShape s) {
        return 4L * s.n() * s.c() * ((long) s.h() * s.w() + (long) s.oh() * s.ow());
    }

    int splits() {
        return splits;
    }

    /** Bytes of all sums. */
    long bytes() {
        return splits * bytes;
    }

    /** From the first split's sums to those of another. */
    long offset(int split) {
        return split * bytes;
    }

    /** The first row of dy of a split, counted through all images; that of the split behind the last is the number of rows. */
    long firstRow(int split) {
        return (long) shape.n() * shape.oh() * split / splits;
    }

    /** The first vector of a part. @param of how many parts there are */
    int firstVector(int part, int of) {
        return (int) ((long) vectors * part / of);
    }

    /** Parts of the end. */
    int parts() {
        return Math.min(CHUNKS, vectors);
    }

    /** Adds the splits' sums of a part's vectors, and brings them into the weights' order: (K, R, S, C / groups). */
    void finish(int part, long sums, long dw) {
        int from = firstVector(part, parts());
        int to = firstVector(part + 1, parts());
        long at = sums + from * vectorBytes;
        adder.run(at, at, (to - from) * vectorBytes / 4, 0, 0, 0);
        long filter = 4L * shape.r() * shape.s() * shape.groupC();
        unpacker.run(at, dw + from * lanes * filter, Math.min(to * lanes, shape.c()) - from * lanes, 0, 0, 0);
    }
}
