package dev.jacquard.cpu.x64;

/**
 * Products of unsigned bytes of pixels and signed bytes of channels, for a block of pixels and some panels of channels: tiles of rows (pixels) by vectors (channels), whose sums
 * stay in registers through the
 * whole depth. A pixel's depth is in runs of adjacent bytes: {@code outer} times {@code inner} of them (rows and columns of a convolution's kernel), each of {@code run} dwords.
 *
 * <p>Arguments: address of the pixels' bytes; of the first panel's weights; of the first result; of the residual at the same place; {@link ByteHeader}; counts as
 * {@link ByteKernel#counts} puts them together.
 *
 * @param dot multiplication
 * @param small rows of the smaller tiles; the larger ones have one more
 * @param vectors of a panel
 * @param tail channels of the last panel
 * @param outer outer runs
 * @param outerStep bytes from one to the next
 * @param inner inner runs
 * @param innerStep bytes from one to the next
 * @param run dwords of a run
 * @param group channels of a group, if groups are multiplied together: each takes as many inputs as it has outputs, and a panel holds whole groups; 0: all inputs go to all outputs
 * @param flip whether the pixels' bytes are signed, so that their sign bits are to be turned
 * @param pitch channels from one pixel's results to the next one's
 * @param epilogue what is done to the sums
 */
record ByteTiles(ByteDot dot, int small, int vectors, int tail, int outer, int outerStep, int inner, int innerStep,
        int run, int group, boolean flip, int pitch, ByteEpilogue epilogue) implements ByteKernel {
    /** Dwords of depth. */
    int depth() {
        return outer * inner * run;
    }

    /** Bytes of a panel of some vectors: corrections of the sums, then weights, [depth][channel][4]. */
    long panelBytes(int vectors) {
        return (long) vectors * dot.set().bytes() * (1 + depth());
    }

    int tailVectors() {
        return Math.ceilDiv(tail, dot.lanes());
    }

    @Override
    public int lanes() {
        return vectors * dot.lanes();
    }

    @Override
    public int lastLanes() {
        return tailVectors() * dot.lanes();
    }

    @Override
    public int channel(int lane) {
        return lane;
    }

    @Override
    public int runs() {
        return outer * inner;
    }

    @Override
    public long panelBytes() {
        return panelBytes(vectors);
    }

    @Override
    public long counts(int pixels, int panels, boolean last, int first) {
        int tiles = Math.ceilDiv(pixels, dot.rows());
        int large = pixels - tiles * small;
        return ByteKernel.counts(large, tiles - large, panels, last, first);
    }

    @Override
    public void emit(Assembler a) {
        new ByteTileEmitter(a, this).emit();
    }
}
