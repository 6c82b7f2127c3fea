package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Epilogue;
import dev.jacquard.tensor.op.FusedProduct.Rectifier;
import java.util.Arrays;

/**
 * What a {@link ProductKernel} does to a tile's sums before it stores them, and the stores. Registers as there: rdi frame, r14 tile of a table, rdx C and rbx images beside of even
 * rows; rcx, rsi, r8 and r9 are overwritten.
 */
final class ProductEpilogue {
    private static final int TAIL = 1;

    private final Assembler a;
    private final ProductKernel k;
    private final InstructionSet set;
    private final ProductKernel.Rows.Even even;
    private final ChannelCode channels;
    private final int vectors;
    private final int bytes;
    private final boolean ragged;

    ProductEpilogue(Assembler a, ProductKernel k) {
        this.a = a;
        this.k = k;
        set = k.set();
        even = k.rows() instanceof ProductKernel.Rows.Even e ? e : null;
        channels = new ChannelCode(a, set, k.epilogue());
        vectors = k.vectors();
        bytes = set.bytes();
        ragged = k.columns() < vectors * set.lanes();
    }

    /** Makes the mask of the last columns, once per function. Overwrites rax. */
    void prepare() {
        if (ragged && set == InstructionSet.AVX512) {
            a.mov(Gp.RAX, (1L << lastColumns()) - 1);
            a.kmov(TAIL, Gp.RAX, 16);
        }
    }

    /** Scale, shift and residual of a tile of so many rows. */
    void begin(int h) {
        perChannel(h);
        if (k.epilogue().residual()) {
            addResidual(h);
        }
    }

    /** What comes then, and the stores. */
    void end(int h) {
        activate(h);
        if (k.epilogue().rectified()) {
            rectify(h);
        }
        switch (k.epilogue().sums()) {
            case NONE -> { }
            case MOMENTS -> {
                a.mov(Gp.RSI, frame(ProductFrame.SUMS));
                new StatisticsCode(a, set, this::spare).add(h, vectors, this::sum, Gp.RSI, frame(ProductFrame.BEGUN), true);
            }
            case GRADIENT -> sumGradients(h);
        }
        store(h);
    }

    private void sumGradients(int h) {
        a.mov(Gp.R8, frame(ProductFrame.SUMS));
        a.mov(Gp.R9, frame(ProductFrame.NORMALISED));
        if (even != null) {
            a.mov(Gp.RCX, frame(ProductFrame.IMAGES));
        }
        boolean masks = k.epilogue().rectifier() == Rectifier.NORMALISED;
        new GradientCode(a, set, masks, this::spare).add(h, vectors, this::sum, (to, i, v, mask) -> load(to, beside(i, ProductFrame.IMAGES).plus(v * bytes), v, mask), Gp.R8, Gp.R9);
    }

    /** Row i of the tile in images that lie as C does; of even rows after rcx was loaded. */
    private Mem beside(int i, int which) {
        return even != null ? Mem.at(Gp.RBX, Gp.RCX, 1, i * even.cRow()) : listed(i, which);
    }

    private static Mem frame(int at) {
        return Mem.at(Gp.RDI, at);
    }

    private int lastColumns() {
        return k.columns() - (vectors - 1) * set.lanes();
    }

    private Vec sum(int i, int v) {
        return set.vec(i * vectors + v);
    }

    /** A register beside the sums. */
    private Vec spare(int n) {
        return set.vec(set.registers() - 1 - n);
    }

    private boolean tail(int v) {
        return ragged && v == vectors - 1;
    }

    /** Loads a vector of which only the stored columns may be read. @param mask a register for AVX2's mask */
    private void load(Vec to, Mem from, int v, Vec mask) {
        if (!tail(v)) {
            a.vmovups(to, from);
        } else if (set == InstructionSet.AVX512) {
            a.vmovups(to.zeroed(TAIL), from);
        } else {
            tailMask(mask);
            a.vmaskmovps(to, mask, from);
        }
    }

    private void tailMask(Vec to) {
        int[] words = new int[set.lanes()];
        Arrays.fill(words, 0, lastColumns(), -1);
        a.vmovups(to, Literal.each(words));
    }

    private void perChannel(int h) {
        Epilogue e = k.epilogue();
        if (e.scale()) {
            a.mov(Gp.RCX, frame(ProductFrame.SCALE));
        }
        if (e.shift()) {
            a.mov(Gp.RSI, frame(ProductFrame.SHIFT));
        }
        for (int v = 0; v < vectors && (e.scale() || e.shift()); v++) {
            Vec scale = spare(0);
            Vec shift = spare(1);
            if (e.scale()) {
                load(scale, Mem.at(Gp.RCX, v * bytes), v, spare(2));
            }
            if (e.shift()) {
                load(shift, Mem.at(Gp.RSI, v * bytes), v, spare(2));
            }
            channels.prepare(scale, shift);
            for (int i = 0; i < h; i++) {
                channels.apply(sum(i, v), scale, shift);
            }
        }
    }

    boolean scaled() {
        return channels.scaled();
    }

    /** Asks for a row of all that is read beside the product, of even rows. @param from where the first of it has row 0; overwrites rcx */
    void askForImages(Gp from, int row) {
        Epilogue e = k.epilogue();
        if (e.residual()) {
            ask(Mem.at(from, row * even.cRow()));
        }
        if (e.rectified()) {
            a.mov(Gp.RCX, frame(ProductFrame.RECTIFIER));
            ask(Mem.at(from, Gp.RCX, 1, row * even.cRow()));
        }
        if (e.sums() == Epilogue.Sums.GRADIENT) {
            a.mov(Gp.RCX, frame(ProductFrame.IMAGES));
            ask(Mem.at(from, Gp.RCX, 1, row * even.cRow()));
        }
    }

    /** Asks for what listed rows will be multiplied by. */
    void askForListedImages(int h) {
        for (int i = 0; i < h; i++) {
            ask(listed(i, ProductFrame.IMAGES));
        }
    }

    private void ask(Mem row) {
        for (int at = 0; at < vectors * bytes; at += 64) {
            a.prefetcht0(row.plus(at));
        }
    }

    private void addResidual(int h) {
        for (int i = 0; i < h; i++) {
            Mem row = even != null ? Mem.at(Gp.RBX, i * even.cRow()) : listed(i, ProductFrame.BESIDE);
            for (int v = 0; v < vectors; v++) {
                load(spare(0), row.plus(v * bytes), v, spare(1));
                a.vaddps(sum(i, v), sum(i, v), spare(0));
            }
        }
    }

    private void rectify(int h) {
        if (even != null) {
            a.mov(Gp.RCX, frame(ProductFrame.RECTIFIER));
        }
        for (int i = 0; i < h; i++) {
            Mem row = beside(i, ProductFrame.RECTIFIER);
            for (int v = 0; v < vectors; v++) {
                load(spare(0), row.plus(v * bytes), v, spare(1));
                new Activations(a, set, spare(1)).reluBackward(sum(i, v), spare(0));
            }
        }
    }

    private void activate(int h) {
        Vec[] sums = new Vec[h * vectors];
        Arrays.setAll(sums, set::vec);
        Vec[] free = new Vec[set.registers() - sums.length];
        Arrays.setAll(free, this::spare);
        channels.activate(sums, free);
    }

    /** Row i of the tile in C or the residual. */
    private Mem listed(int i, int base) {
        a.mov(Gp.RCX, Mem.at(Gp.R14, TileTable.OUT + 8 * i));
        a.add(Gp.RCX, frame(base));
        return Mem.at(Gp.RCX);
    }

    private void store(int h) {
        if (ragged && set == InstructionSet.AVX2) {
            tailMask(spare(0));
        }
        for (int i = 0; i < h; i++) {
            Mem row = even != null ? Mem.at(Gp.RDX, i * even.cRow()) : listed(i, ProductFrame.C);
            for (int v = 0; v < vectors; v++) {
                put(row.plus(v * bytes), v, sum(i, v));
            }
        }
    }

    /** Stores vector v of a row. */
    void put(Mem to, int v, Vec from) {
        if (tail(v) && set == InstructionSet.AVX2) {
            a.vmaskmovps(to, spare(0), from);
        } else if (k.streams() && !tail(v)) {
            a.vmovntps(to, from);
        } else {
            a.vmovups(tail(v) ? to.masked(TAIL) : to, from);
        }
    }
}
