package dev.jacquard.cpu.x64;

import java.util.List;

/**
 * Depthwise products of unsigned bytes of pixels and signed bytes of channels, one pixel after the other, for some panels of channels. Four taps of a panel's channels are
 * interleaved, so that a channel's four bytes
 * are one dword, and multiplied at once; vector q then holds, in lane L of 128 bits, channels 16 L + 4 q to 16 L + 4 q + 3, which packing to bytes brings back in order. Results
 * are bytes, without a residual.
 *
 * <p>Arguments: as {@link ByteTiles} has them, pixels being the small tiles. Up to a vector is read behind a pixel's channels.
 *
 * @param dot multiplication; not {@link ByteDot#WORDS}
 * @param taps offset of each tap's bytes from the pixel's first
 * @param tail channels of the last panel
 * @param pitch channels of a pixel
 * @param epilogue what is done to the sums
 */
record ByteDepthwise(ByteDot dot, List<Integer> taps, int tail, int pitch, ByteEpilogue epilogue) implements ByteKernel {
    private static final int FRAME = 128;
    private static final Mem HEADER = Mem.at(Gp.RSP, 0);
    private static final Mem SCALES = Mem.at(Gp.RSP, 8);
    private static final Mem OUT = Mem.at(Gp.RSP, 16);
    private static final Mem SCRATCH = Mem.at(Gp.RSP, 64);
    private static final Gp COUNTS = Gp.R9;
    private static final Gp CURSOR = Gp.R11;
    private static final Gp LEFT = Gp.R12;
    private static final Gp PANELS = Gp.R13;
    private static final Gp PIXELS = Gp.R14;
    private static final int VECTORS = 4;

    /** Channels of a full panel. */
    static int channels(ByteDot dot) {
        return VECTORS * dot.lanes();
    }

    @Override
    public int channel(int lane) {
        int q = lane / dot.lanes();
        int e = lane % dot.lanes();
        return 16 * (e / 4) + 4 * q + e % 4;
    }

    @Override
    public int lanes() {
        return channels(dot);
    }

    @Override
    public int lastLanes() {
        return channels(dot);
    }

    @Override
    public int runs() {
        return 1;
    }

    @Override
    public long counts(int pixels, int panels, boolean last, int first) {
        return ByteKernel.counts(0, pixels, panels, last, first);
    }

    /** Fours of taps. */
    int fours() {
        return (taps.size() + 3) / 4;
    }

    @Override
    public long panelBytes() {
        return (1L + fours()) * VECTORS * dot.set().bytes();
    }

    @Override
    public void emit(Assembler a) {
        Label last = new Label();
        Label end = new Label();
        a.enter(FRAME);
        a.mov(HEADER, Gp.R8);
        field(a, PIXELS, 16, 0xffff);
        field(a, PANELS, 32, 0x7fff);
        field(a, Gp.RAX, 48, 0xffff);
        a.imul(Gp.RAX, Gp.RAX, 2 * 4 * channels(dot));
        a.add(Gp.RAX, Mem.at(Gp.R8, ByteHeader.SCALES));
        a.mov(SCALES, Gp.RAX);
        a.test(PANELS, PANELS);
        a.j(Condition.E, last);
        Label panel = a.here();
        panel(a, channels(dot));
        a.add(Gp.RDI, channels(dot));
        a.add(Gp.RSI, (int) panelBytes());
        a.add(Gp.RDX, channels(dot));
        a.mov(Gp.RAX, SCALES);
        a.add(Gp.RAX, 2 * 4 * channels(dot));
        a.mov(SCALES, Gp.RAX);
        a.dec(PANELS);
        a.j(Condition.NE, panel);
        a.bind(last);
        field(a, Gp.RAX, 47, 1);
        a.test(Gp.RAX, Gp.RAX);
        a.j(Condition.E, end);
        panel(a, tail);
        a.bind(end);
        a.leave(FRAME);
    }

    private static void field(Assembler a, Gp to, int shift, int mask) {
        a.mov(to, COUNTS);
        a.shr(to, shift);
        a.and(to, mask);
    }

    private void panel(Assembler a, int channels) {
        if (dot.set() == InstructionSet.AVX512) {
            a.mov(Gp.RAX, channels == 64 ? -1L : (1L << channels) - 1);
            a.kmov(1, Gp.RAX, 64);
        }
        a.mov(OUT, Gp.RDX);
        a.mov(CURSOR, HEADER);
        a.add(CURSOR, ByteHeader.PIXELS);
        a.mov(LEFT, PIXELS);
        a.align(32);
        Label pixel = a.here();
        a.movsxd(Gp.RAX, Mem.at(CURSOR));
        a.add(Gp.RAX, Gp.RDI);
        sums(a);
        new ByteEpilogueEmitter(a, dot.set(), epilogue, pitch, channels(dot), 1, VECTORS, channels, 3 * VECTORS, false).emit(HEADER, SCALES, SCRATCH);
        a.add(Gp.RDX, pitch);
        a.add(CURSOR, 4);
        a.dec(LEFT);
        a.j(Condition.NE, pixel);
        a.mov(Gp.RDX, OUT);
    }

    private void sums(Assembler a) {
        InstructionSet set = dot.set();
        for (int q = 0; q < VECTORS; q++) {
            a.vmovdqu(set.vec(q), Mem.at(Gp.RSI, q * set.bytes()));
        }
        for (int four = 0; four < fours(); four++) {
            for (int t = 0; t < 4; t++) {
                // Taps that are missing in the last four have weights of 0: any bytes do.
                a.vmovdqu(set.vec(4 + t), Mem.at(Gp.RAX, taps.get(Math.min(4 * four + t, taps.size() - 1))));
            }
            for (int pair = 0; pair < 2; pair++) {
                a.vpunpcklbw(set.vec(8 + pair), set.vec(4 + 2 * pair), set.vec(5 + 2 * pair));
                a.vpunpckhbw(set.vec(10 + pair), set.vec(4 + 2 * pair), set.vec(5 + 2 * pair));
            }
            for (int half = 0; half < 2; half++) {
                a.vpunpcklwd(set.vec(12 + 2 * half), set.vec(8 + 2 * half), set.vec(9 + 2 * half));
                a.vpunpckhwd(set.vec(13 + 2 * half), set.vec(8 + 2 * half), set.vec(9 + 2 * half));
            }
            for (int q = 0; q < VECTORS; q++) {
                a.vpdpbusd(set.vec(q), set.vec(12 + q), Mem.at(Gp.RSI, ((1 + four) * VECTORS + q) * set.bytes()));
            }
        }
    }
}
