package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Epilogue;
import dev.jacquard.tensor.op.Nonlinearity;
import java.util.ArrayList;
import java.util.List;

/**
 * Winograd's output transform of one row of tiles of one image, for some channels: {@code A^T m A}, the epilogue, and the stores of what is inside the image. Arguments: rdi, the
 * first tile's products; rsi, its first output; rdx and rcx, scale and shift of the first channel; r8, what the epilogue adds to the first output. If the epilogue rectifies, rcx
 * is where what it looks at begins; if the output will be multiplied by images and summed up, rdx is where these begin: they are asked for.
 *
 * @param set instruction set
 * @param rows algorithm along a column
 * @param cols algorithm along a row
 * @param channels how many are computed
 * @param pixelBytes from a pixel to the next
 * @param rowBytes from a row of the image to the next
 * @param height output rows that are inside the image
 * @param runs tiles from left to right
 * @param pointBytes from a point of a tile to the next
 * @param tileBytes from a tile to the next
 * @param epilogue what is done to the outputs
 */
record WinogradOutput(InstructionSet set, WinogradAxis rows, WinogradAxis cols, int channels, int pixelBytes, int rowBytes, int height, List<Run> runs, int pointBytes,
        int tileBytes, Epilogue epilogue)
        implements Kernel.Spec {
    /** Tiles beside each other of which equally many columns are inside the image. */
    record Run(int tiles, int width) {
        /** A plan's tiles beside each other. */
        static List<Run> of(WinogradPlan plan) {
            int m = plan.cols().outputs();
            List<Run> runs = new ArrayList<>();
            if (plan.ow() >= m) {
                runs.add(new Run(plan.ow() / m, m));
            }
            if (plan.ow() % m != 0) {
                runs.add(new Run(1, plan.ow() % m));
            }
            return List.copyOf(runs);
        }
    }

    /** Registers that a row needs for its epilogue. */
    private int epilogueRegisters() {
        int activation = switch (epilogue.activation()) {
            case NONE -> 0;
            case RELU -> 1;
            case SILU -> Activations.TEMPORARIES;
        };
        int rectified = epilogue.rectified() ? 2 : 0;
        return Math.max(Math.max(activation, rectified), (epilogue.scale() ? 1 : 0) + (epilogue.shift() ? 1 : 0) + (epilogue.residual() ? 1 : 0));
    }

    @Override
    public void emit(Assembler a) {
        WinogradPasses.enter(a, WinogradPasses.SCRATCH, Gp.R9);
        VectorPool pool = new VectorPool(set);
        WinogradPasses passes = new WinogradPasses(a, set, pool, Mem.at(Gp.R9));
        Vec[] down = passes.constants(rows.outputConstants());
        Vec[] along = rows == cols ? down : passes.constants(cols.outputConstants());
        int tail = channels % set.lanes();
        LaneMask mask = tail == 0 ? LaneMask.all(a) : LaneMask.first(a, set, tail, pool);
        int across = cols.outputs() * pixelBytes;
        List<WinogradPasses.Step> steps = new ArrayList<>(List.of(new WinogradPasses.Step(Gp.RDI, tileBytes), new WinogradPasses.Step(Gp.RSI, across),
                new WinogradPasses.Step(Gp.R8, across)));
        if (epilogue.rectified()) {
            steps.add(new WinogradPasses.Step(Gp.RCX, across));
        }
        if (epilogue.sums() == Epilogue.Sums.GRADIENT) {
            steps.add(new WinogradPasses.Step(Gp.RDX, across));
        }
        for (Run run : runs) {
            passes.tiles(run.tiles, channels, mask, steps, lanes -> vector(passes, run.width, lanes, down, along));
        }
        WinogradPasses.leave(a, WinogradPasses.SCRATCH);
    }

    private void vector(WinogradPasses passes, int width, LaneMask mask, Vec[] down, Vec[] along) {
        Assembler a = passes.a();
        VectorPool pool = passes.pool();
        passes.run(new WinogradPasses.Sizes(cols.points(), rows.points(), rows.outputs(), cols.outputs(), epilogueRegisters()), j -> {
            Vec[] m = pool.take(rows.points());
            for (int i = 0; i < m.length; i++) {
                a.vmovups(m[i], Mem.at(Gp.RDI, Gp.R11, 1, (i * cols.points() + j) * pointBytes));
            }
            return rows.output(a, m, down, pool);
        }, (i, values) -> {
            if (i >= height) {
                pool.give(values);
                return;
            }
            Vec[] y = cols.output(a, values, along, pool);
            finish(a, pool, y, i, width, mask);
            pool.give(y);
        });
    }

    /** Epilogue and stores of a row of outputs. */
    private void finish(Assembler a, VectorPool pool, Vec[] y, int row, int width, LaneMask mask) {
        scaleAndShift(a, pool, y, width, mask);
        if (epilogue.residual()) {
            Vec v = pool.take();
            for (int j = 0; j < width; j++) {
                mask.load(v, Mem.at(Gp.R8, Gp.R11, 1, row * rowBytes + j * pixelBytes));
                a.vaddps(y[j], y[j], v);
            }
            pool.give(v);
        }
        if (epilogue.activation() != Nonlinearity.NONE) {
            Vec[] t = pool.take(epilogue.activation() == Nonlinearity.RELU ? 1 : Activations.TEMPORARIES);
            Activations activations = new Activations(a, set, t);
            for (int j = 0; j < width; j++) {
                activations.apply(epilogue.activation(), y[j]);
            }
            pool.give(t);
        }
        if (epilogue.rectified()) {
            Vec[] t = pool.take(2);
            for (int j = 0; j < width; j++) {
                mask.load(t[0], Mem.at(Gp.RCX, Gp.R11, 1, row * rowBytes + j * pixelBytes));
                new Activations(a, set, t[1]).reluBackward(y[j], t[0]);
            }
            pool.give(t);
        }
        for (int j = 0; j < width; j++) {
            if (epilogue.sums() == Epilogue.Sums.GRADIENT) {
                a.prefetcht0(Mem.at(Gp.RDX, Gp.R11, 1, row * rowBytes + j * pixelBytes));
            }
            mask.store(Mem.at(Gp.RSI, Gp.R11, 1, row * rowBytes + j * pixelBytes), y[j]);
        }
    }

    private void scaleAndShift(Assembler a, VectorPool pool, Vec[] y, int width, LaneMask mask) {
        Vec[] v = pool.take((epilogue.scale() ? 1 : 0) + (epilogue.shift() ? 1 : 0));
        Vec scale = epilogue.scale() ? v[0] : null;
        Vec shift = epilogue.shift() ? v[v.length - 1] : null;
        if (scale != null) {
            mask.load(scale, Mem.at(Gp.RDX, Gp.R11, 1, 0));
        }
        if (shift != null) {
            mask.load(shift, Mem.at(Gp.RCX, Gp.R11, 1, 0));
        }
        for (int j = 0; j < width; j++) {
            new ChannelCode(a, set, epilogue).apply(y[j], scale, shift);
        }
        pool.give(v);
    }
}
