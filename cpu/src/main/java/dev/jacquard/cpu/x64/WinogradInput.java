package dev.jacquard.cpu.x64;

import java.util.ArrayList;
import java.util.List;

/**
 * Winograd's input transform of one row of tiles of one image: for each tile, and each vector of channels, {@code B^T d B}. Arguments: rdi, the tiles' first pixel, which may lie
 * outside of the image (what is outside is zero, and not read); rsi, where the first tile goes, for the first point.
 *
 * @param set instruction set
 * @param rows algorithm along a column
 * @param cols algorithm along a row
 * @param channels of a pixel; where tiles go, channels are filled up with zeros to whole vectors
 * @param rowBytes of an image
 * @param inside rows of the tiles that are inside the image
 * @param runs tiles from left to right
 * @param pointBytes from a point of a tile to the next
 * @param tileBytes from a tile to the next
 */
record WinogradInput(InstructionSet set, WinogradAxis rows, WinogradAxis cols, int channels, int rowBytes, Range inside, List<Run> runs, int pointBytes, int tileBytes)
        implements Kernel.Spec {
    /** From a first up to before an end. */
    record Range(int first, int end) {
        boolean has(int i) {
            return i >= first && i < end;
        }
    }

    /** Tiles beside each other of which the same columns are inside the image. */
    record Run(int tiles, Range inside) {}

    /** The kernels of a plan's rows of tiles, by the rows' places in an image. */
    static Kernel[] of(WinogradPlan plan, InstructionSet set, int pointBytes, int tileBytes) {
        List<Run> runs = new ArrayList<>();
        for (int t = 0; t < plan.tilesAcross(); t++) {
            Range columns = inside(t, plan.cols(), plan.padLeft(), plan.w());
            int before = !runs.isEmpty() && runs.getLast().inside.equals(columns) ? runs.removeLast().tiles : 0;
            runs.add(new Run(before + 1, columns));
        }
        Kernel[] kernels = new Kernel[plan.tilesDown()];
        for (int t = 0; t < kernels.length; t++) {
            Range lines = inside(t, plan.rows(), plan.padTop(), plan.h());
            kernels[t] = Kernel.of(new WinogradInput(set, plan.rows(), plan.cols(), plan.c(), plan.w() * plan.c() * Float.BYTES, lines, List.copyOf(runs), pointBytes, tileBytes));
        }
        return kernels;
    }

    private static Range inside(int tile, WinogradAxis axis, int pad, int length) {
        int first = tile * axis.outputs() - pad;
        int from = Math.clamp(-first, 0, axis.points());
        return new Range(from, Math.clamp(length - first, from, axis.points()));
    }

    @Override
    public void emit(Assembler a) {
        WinogradPasses.enter(a, WinogradPasses.SCRATCH, Gp.RDX);
        VectorPool pool = new VectorPool(set);
        WinogradPasses passes = new WinogradPasses(a, set, pool, Mem.at(Gp.RDX));
        Vec[] down = passes.constants(rows.inputConstants());
        Vec[] along = rows == cols ? down : passes.constants(cols.inputConstants());
        int tail = channels % set.lanes();
        LaneMask mask = tail == 0 ? LaneMask.all(a) : LaneMask.first(a, set, tail, pool);
        List<WinogradPasses.Step> steps = List.of(new WinogradPasses.Step(Gp.RDI, cols.outputs() * channels * Float.BYTES), new WinogradPasses.Step(Gp.RSI, tileBytes));
        for (Run run : runs) {
            passes.tiles(run.tiles, channels, mask, steps, lanes -> vector(passes, run.inside, lanes, down, along));
        }
        WinogradPasses.leave(a, WinogradPasses.SCRATCH);
    }

    private void vector(WinogradPasses passes, Range columns, LaneMask mask, Vec[] down, Vec[] along) {
        Assembler a = passes.a();
        VectorPool pool = passes.pool();
        passes.run(new WinogradPasses.Sizes(rows.points(), cols.points(), cols.points(), rows.points(), 0), i -> {
            Vec[] d = pool.take(cols.points());
            for (int j = 0; j < d.length; j++) {
                if (inside.has(i) && columns.has(j)) {
                    mask.load(d[j], Mem.at(Gp.RDI, Gp.R11, 1, i * rowBytes + j * channels * Float.BYTES));
                } else {
                    a.vxorps(d[j], d[j], d[j]);
                }
            }
            return inside.has(i) ? cols.input(a, d, along, pool) : d;
        }, (j, values) -> {
            Vec[] v = rows.input(a, values, down, pool);
            for (int i = 0; i < v.length; i++) {
                a.vmovups(Mem.at(Gp.RSI, Gp.R11, 1, (i * cols.points() + j) * pointBytes), v[i]);
            }
            pool.give(v);
        });
    }
}
