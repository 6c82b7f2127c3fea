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
    private final boolean late;
    /** What has row 0 of the images beside a tile of even rows. */
    private final Gp images;
    private final int vectors;
    private final int bytes;
    private final boolean ragged;

    ProductEpilogue(Assembler a, ProductKernel k) {
        this.a = a;
        this.k = k;
        set = k.set();
        even = k.rows() instanceof ProductKernel.Rows.Even e ? e : null;
        channels = new ChannelCode(a, set, k.epilogue());
        late = LateGradient.takes(k);
        images = late ? Gp.RDX : Gp.RBX;
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
        point(ProductFrame.IMAGES);
        boolean masks = k.epilogue().rectifier() == Rectifier.NORMALISED;
        GradientCode.Images loads = (to, i, v, mask) -> load(to, beside(images, i, ProductFrame.IMAGES).plus(v * bytes), v, mask);
        new GradientCode(a, set, masks, this::spare).add(h, vectors, this::sum, loads, Gp.R8, Gp.R9);
    }

    /** Makes rcx what {@link #beside} needs of even rows. @param which of the frame's images that lie as C does */
    void point(int which) {
        if (late) {
            a.mov(Gp.RCX, frame(fromC(which)));
        } else if (even != null && which != ProductFrame.BESIDE) {
            a.mov(Gp.RCX, frame(which));
        }
    }

    /** A row of such images. @param base where row 0 of even rows is: of C if epilogues are late, else of the first images */
    Mem beside(Gp base, int row, int which) {
        if (even == null) {
            return listed(row, which);
        }
        return late || which != ProductFrame.BESIDE ? Mem.at(base, Gp.RCX, 1, row * even.cRow()) : Mem.at(base, row * even.cRow());
    }

    private static int fromC(int which) {
        return ProductFrame.FROM_C + (which == ProductFrame.BESIDE ? 0 : which == ProductFrame.RECTIFIER ? 8 : 16);
    }

    /** Finds out where images are beside C, once per function. Overwrites rcx and rax. */
    void fromC() {
        a.mov(Gp.RCX, frame(ProductFrame.BESIDE));
        a.mov(Gp.RAX, frame(ProductFrame.C));
        a.sub(Gp.RCX, Gp.RAX);
        a.mov(frame(fromC(ProductFrame.BESIDE)), Gp.RCX);
        for (int which : new int[] {ProductFrame.RECTIFIER, ProductFrame.IMAGES}) {
            a.mov(Gp.RCX, frame(fromC(ProductFrame.BESIDE)));
            a.add(Gp.RCX, frame(which));
            a.mov(frame(fromC(which)), Gp.RCX);
        }
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

    /** Loads vector v of a row of images, by AVX-512. */
    void load(Vec to, Mem row, int v) {
        load(to, row.plus(v * bytes), v, null);
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

    /** Asks for a row of all that is read beside the product, of even rows. Overwrites rcx. @param base as {@link #beside} takes it */
    void askForImages(Gp base, int row) {
        Epilogue e = k.epilogue();
        if (e.residual()) {
            ask(base, row, ProductFrame.BESIDE);
        }
        if (e.rectified()) {
            ask(base, row, ProductFrame.RECTIFIER);
        }
        if (e.sums() == Epilogue.Sums.GRADIENT) {
            ask(base, row, ProductFrame.IMAGES);
        }
    }

    /** Low tiles ask for all of their rows at once. */
    void askForLow(int h) {
        for (int i = 0; i < h; i++) {
            askForImages(images, i);
        }
    }

    private void ask(Gp base, int row, int which) {
        point(which);
        ask(beside(base, row, which));
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
        point(ProductFrame.BESIDE);
        for (int i = 0; i < h; i++) {
            Mem row = beside(images, i, ProductFrame.BESIDE);
            for (int v = 0; v < vectors; v++) {
                load(spare(0), row.plus(v * bytes), v, spare(1));
                a.vaddps(sum(i, v), sum(i, v), spare(0));
            }
        }
    }

    private void rectify(int h) {
        point(ProductFrame.RECTIFIER);
        for (int i = 0; i < h; i++) {
            Mem row = beside(images, i, ProductFrame.RECTIFIER);
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
