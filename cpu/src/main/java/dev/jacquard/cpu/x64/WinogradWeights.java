package dev.jacquard.cpu.x64;

/**
 * Winograd's transform of the taps of one vector of output channels, {@code G g G^T} for each channel of depth. Arguments: rdi, the first tap of the first channel of both; rsi,
 * where the first point of the first channel of depth goes.
 *
 * @param set instruction set
 * @param rows algorithm along a column
 * @param cols algorithm along a row
 * @param depth channels of depth
 * @param lanes output channels that there are, of a vector; the others become zero
 * @param depthBytes from a channel of depth to the next
 * @param laneBytes from an output channel to the next
 * @param tapBytes from a tap to the next; negative for taps in reverse order
 * @param pointBytes where it goes: from a point to the next
 * @param stepBytes where it goes: from a channel of depth to the next
 */
record WinogradWeights(InstructionSet set, WinogradAxis rows, WinogradAxis cols, int depth, int lanes, int depthBytes, int laneBytes, int tapBytes, int pointBytes, int stepBytes)
        implements Kernel.Spec {
    private static final int TAPS = 3;

    private static final int SCRATCH = WinogradPasses.SCRATCH + TAPS * TAPS * 64;

    @Override
    public void emit(Assembler a) {
        WinogradPasses.enter(a, SCRATCH, Gp.RDX);
        VectorPool pool = new VectorPool(set);
        WinogradPasses passes = new WinogradPasses(a, set, pool, Mem.at(Gp.RDX, TAPS * TAPS * set.bytes()));
        LaneMask mask = LaneMask.first(a, set, lanes, pool);
        boolean contiguous = laneBytes == Float.BYTES;
        if (!contiguous && lanes < set.lanes()) {
            clear(a);
        }
        a.mov(Gp.R10, depth);
        a.align(32);
        Label channel = a.here();
        if (!contiguous) {
            transpose(a);
        }
        passes.run(new WinogradPasses.Sizes(TAPS, cols.points() + 1, cols.points(), rows.points(), 2), i -> {
            Vec[] g = pool.take(TAPS);
            for (int j = 0; j < TAPS; j++) {
                if (contiguous) {
                    mask.load(g[j], Mem.at(Gp.RDI, (i * TAPS + j) * tapBytes));
                } else {
                    a.vmovups(g[j], Mem.at(Gp.RDX, (i * TAPS + j) * set.bytes()));
                }
            }
            return cols.taps(a, g, pool);
        }, (j, values) -> {
            Vec[] u = rows.taps(a, values, pool);
            for (int i = 0; i < u.length; i++) {
                a.vmovups(Mem.at(Gp.RSI, (i * cols.points() + j) * pointBytes), u[i]);
            }
            pool.give(u);
        });
        a.add(Gp.RDI, depthBytes);
        a.add(Gp.RSI, stepBytes);
        a.dec(Gp.R10);
        a.j(Condition.NE, channel);
        WinogradPasses.leave(a, SCRATCH);
    }

    /** Lanes that no output channel fills stay zero. */
    private void clear(Assembler a) {
        Vec zero = set.vec(0);
        a.vxorps(zero, zero, zero);
        for (int tap = 0; tap < TAPS * TAPS; tap++) {
            a.vmovups(Mem.at(Gp.RDX, tap * set.bytes()), zero);
        }
    }

    /** Output channels lie apart: their taps are brought together one by one, which costs half as much as the transform. */
    private void transpose(Assembler a) {
        for (int lane = 0; lane < lanes; lane++) {
            for (int tap = 0; tap < TAPS * TAPS; tap++) {
                a.mov32(Gp.RAX, Mem.at(Gp.RDI, lane * laneBytes + tap * tapBytes));
                a.mov32(Mem.at(Gp.RDX, tap * set.bytes() + lane * Float.BYTES), Gp.RAX);
            }
        }
    }
}
