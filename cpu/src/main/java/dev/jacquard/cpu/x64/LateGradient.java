package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Epilogue;
import dev.jacquard.tensor.op.FusedProduct.Rectifier;
import java.util.Arrays;

/**
 * What is added to a gradient, what it is masked by, and its sums per channel: images of its shape, which were made some ops ago and come from memory. They are asked for a few
 * rows before they are read: a tile's rows all at once would take all buffers for misses, or push each other and the factors out of the first-level cache, since rows at even
 * distances share few of its sets.
 *
 * <p>Overwrites rcx. A tile's own sums per channel are in the frame.
 */
final class LateGradient extends LateRows {
    private static final int AT_ONCE = 4;

    /** Rows before its use at which a row is asked for. */
    private static final int AHEAD = 4;

    private final Epilogue epilogue;
    private final Vec[] free;
    private final ProductEpilogue images;

    /** @param free registers beside the sums, at least eight */
    LateGradient(ProductEpilogue images, Assembler a, ProductKernel k, Vec[] free) {
        super(a, k.set(), k.tileRows(), k.vectors(), ((ProductKernel.Rows.Even) k.rows()).cRow());
        this.images = images;
        this.free = free.clone();
        epilogue = k.epilogue();
    }

    /** Whether an epilogue is one. */
    static boolean takes(ProductKernel k) {
        Epilogue e = k.epilogue();
        return k.set() == InstructionSet.AVX512 && k.rows() instanceof ProductKernel.Rows.Even && !k.gated() && e.ofGradient();
    }

    private boolean sums() {
        return epilogue.sums() == Epilogue.Sums.GRADIENT;
    }

    private Mem sum(int v, int which) {
        return Mem.at(Gp.RDI, ProductFrame.TILE_SUMS + (2 * v + which) * set.bytes());
    }

    @Override
    void prepare() {
        images.fromC();
    }

    @Override
    void kept() {
        for (int i = 0; sums() && i < 2 * vectors; i++) {
            if (i == 0) {
                a.vxorps(free[0], free[0], free[0]);
            }
            a.vmovups(sum(i / 2, i % 2), free[0]);
        }
    }

    @Override
    void taken() {
        if (!sums()) {
            return;
        }
        a.mov(Gp.RCX, Mem.at(Gp.RDI, ProductFrame.SUMS));
        for (int i = 0; i < 2 * vectors; i++) {
            Vec each = free[i % free.length];
            Mem slot = Mem.at(Gp.RCX, i / 2 * GradientCode.slotBytes(set) + i % 2 * set.bytes());
            a.vmovups(each, sum(i / 2, i % 2));
            a.vaddps(each, each, slot);
            a.vmovups(slot, each);
        }
    }

    @Override
    void ask(int rows) {
        for (int i = 0; i < rows; i++) {
            images.askForImages(Gp.R9, AHEAD + i);
        }
    }

    @Override
    void row(int i) {
        for (int first = 0; first < vectors; first += AT_ONCE) {
            Vec[] g = Arrays.copyOf(free, Math.min(AT_ONCE, vectors - first));
            for (int v = 0; v < g.length; v++) {
                a.vmovups(g[v], Mem.at(Gp.R10, i * rowBytes() + (first + v) * set.bytes()));
            }
            add(i, first, g);
            for (int v = 0; sums() && v < g.length; v++) {
                sum(i, first + v, g[v]);
            }
            for (int v = 0; v < g.length; v++) {
                images.put(Mem.at(Gp.R9, i * cRow + (first + v) * set.bytes()), first + v, g[v]);
            }
        }
    }

    private Vec temporary(int n) {
        return free[AT_ONCE + n % (free.length - AT_ONCE)];
    }

    private void add(int i, int first, Vec[] g) {
        if (epilogue.residual()) {
            images.point(ProductFrame.BESIDE);
            for (int v = 0; v < g.length; v++) {
                images.load(temporary(v), images.beside(Gp.R9, i, ProductFrame.BESIDE), first + v);
                a.vaddps(g[v], g[v], temporary(v));
            }
        }
        if (epilogue.rectified()) {
            images.point(ProductFrame.RECTIFIER);
            for (int v = 0; v < g.length; v++) {
                images.load(temporary(v), images.beside(Gp.R9, i, ProductFrame.RECTIFIER), first + v);
                new Activations(a, set, temporary(v)).reluBackward(g[v], temporary(v));
            }
        }
    }

    /** As {@link GradientCode} does. */
    private void sum(int i, int v, Vec g) {
        Vec x = temporary(2 * v);
        Vec other = temporary(2 * v + 1);
        images.point(ProductFrame.IMAGES);
        images.load(x, images.beside(Gp.R9, i, ProductFrame.IMAGES), v);
        a.mov(Gp.RCX, Mem.at(Gp.RDI, ProductFrame.NORMALISED));
        Mem mean = Mem.at(Gp.RCX, v * GradientTable.bytes(set));
        a.vsubps(x, x, mean);
        if (epilogue.rectifier() == Rectifier.NORMALISED) {
            a.vmovups(other, mean.plus(2 * set.bytes()));
            a.vfmadd231ps(other, x, mean.plus(set.bytes()));
            new Activations(a, set, other).reluBackward(g, other);
        }
        a.vaddps(other, g, sum(v, 0));
        a.vmovups(sum(v, 0), other);
        a.vmovups(other, sum(v, 1));
        a.vfmadd231ps(other, g, x);
        a.vmovups(sum(v, 1), other);
    }
}
