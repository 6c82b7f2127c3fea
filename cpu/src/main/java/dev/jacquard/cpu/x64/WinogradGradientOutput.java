package dev.jacquard.cpu.x64;

import java.util.List;

/**
 * The last of Winograd's transforms for the gradient of the weights: {@code G^T m G}, nine taps from the sums at all points, for some output channels and all channels of each.
 * Arguments: rdi, the first output channel's sums at the first point; rsi, its first tap.
 *
 * @param set instruction set
 * @param rows algorithm along a column
 * @param cols algorithm along a row
 * @param outputs output channels
 * @param channels of each
 * @param pointBytes from the sums of a point to the next point's
 * @param sumBytes from an output channel's sums to the next one's, in whole vectors
 * @param add whether taps are added to those that are there
 */
record WinogradGradientOutput(InstructionSet set, WinogradAxis rows, WinogradAxis cols, int outputs, int channels, int pointBytes, int sumBytes, boolean add)
        implements Kernel.Spec {
    private static final int TAPS = 3;

    @Override
    public void emit(Assembler a) {
        WinogradPasses.enter(a, WinogradPasses.SCRATCH, Gp.RDX);
        VectorPool pool = new VectorPool(set);
        WinogradPasses passes = new WinogradPasses(a, set, pool, Mem.at(Gp.RDX));
        int tail = channels % set.lanes();
        LaneMask mask = tail == 0 ? LaneMask.all(a) : LaneMask.first(a, set, tail, pool);
        int tap = channels * Float.BYTES;
        List<WinogradPasses.Step> steps = List.of(new WinogradPasses.Step(Gp.RDI, sumBytes), new WinogradPasses.Step(Gp.RSI, TAPS * TAPS * tap));
        passes.tiles(outputs, channels, mask, steps, lanes -> passes.run(new WinogradPasses.Sizes(cols.points(), rows.points(), TAPS, TAPS, 1), j -> {
            Vec[] m = pool.take(rows.points());
            for (int i = 0; i < m.length; i++) {
                a.vmovups(m[i], Mem.at(Gp.RDI, Gp.R11, 1, (i * cols.points() + j) * pointBytes));
            }
            return rows.gather(a, m, pool);
        }, (i, values) -> {
            Vec[] g = cols.gather(a, values, pool);
            Vec before = pool.take();
            for (int j = 0; j < TAPS; j++) {
                Mem to = Mem.at(Gp.RSI, Gp.R11, 1, (i * TAPS + j) * tap);
                if (add) {
                    lanes.load(before, to);
                    a.vaddps(g[j], g[j], before);
                }
                lanes.store(to, g[j]);
            }
            pool.give(before);
            pool.give(g);
        }));
        WinogradPasses.leave(a, WinogradPasses.SCRATCH);
    }
}
