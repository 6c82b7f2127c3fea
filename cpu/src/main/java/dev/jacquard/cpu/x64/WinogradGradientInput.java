package dev.jacquard.cpu.x64;

import java.util.List;

/**
 * Winograd's transform of the results' gradient, for the gradient of the weights: of one row of tiles of one image, for each tile, and each vector of channels, {@code A e A^T},
 * the output transform transposed. Arguments: rdi, the first tile's first pixel (what is outside of the image is zero, and not read); rsi, where the first tile goes, for the first
 * point.
 *
 * @param set instruction set
 * @param rows algorithm along a column
 * @param cols algorithm along a row
 * @param channels of a pixel; where tiles go, channels are filled up with zeros to whole vectors
 * @param rowBytes of an image
 * @param height rows of the tiles that are inside the image
 * @param runs tiles from left to right
 * @param pointBytes from a point of a tile to the next
 * @param tileBytes from a tile to the next
 */
record WinogradGradientInput(InstructionSet set, WinogradAxis rows, WinogradAxis cols, int channels, int rowBytes, int height, List<WinogradOutput.Run> runs, int pointBytes,
        int tileBytes)
        implements Kernel.Spec {
    @Override
    public void emit(Assembler a) {
        WinogradPasses.enter(a, WinogradPasses.SCRATCH, Gp.RDX);
        VectorPool pool = new VectorPool(set);
        WinogradPasses passes = new WinogradPasses(a, set, pool, Mem.at(Gp.RDX));
        Vec[] down = passes.constants(rows.outputConstants());
        Vec[] along = rows == cols ? down : passes.constants(cols.outputConstants());
        int tail = channels % set.lanes();
        LaneMask mask = tail == 0 ? LaneMask.all(a) : LaneMask.first(a, set, tail, pool);
        List<WinogradPasses.Step> steps = List.of(new WinogradPasses.Step(Gp.RDI, cols.outputs() * channels * Float.BYTES), new WinogradPasses.Step(Gp.RSI, tileBytes));
        for (WinogradOutput.Run run : runs) {
            passes.tiles(run.tiles(), channels, mask, steps, lanes -> vector(passes, run.width(), lanes, down, along));
        }
        WinogradPasses.leave(a, WinogradPasses.SCRATCH);
    }

    private void vector(WinogradPasses passes, int width, LaneMask mask, Vec[] down, Vec[] along) {
        Assembler a = passes.a();
        VectorPool pool = passes.pool();
        passes.run(new WinogradPasses.Sizes(rows.outputs(), cols.points(), cols.points(), rows.points(), 1), i -> {
            Vec[] e = pool.take(cols.outputs());
            for (int j = 0; j < e.length; j++) {
                if (i < height && j < width) {
                    mask.load(e[j], Mem.at(Gp.RDI, Gp.R11, 1, i * rowBytes + j * channels * Float.BYTES));
                } else {
                    a.vxorps(e[j], e[j], e[j]);
                }
            }
            return cols.spread(a, e, along, pool);
        }, (j, values) -> {
            Vec[] u = rows.spread(a, values, down, pool);
            for (int i = 0; i < u.length; i++) {
                a.vmovups(Mem.at(Gp.RSI, Gp.R11, 1, (i * cols.points() + j) * pointBytes), u[i]);
            }
            pool.give(u);
        });
    }
}
