package dev.jacquard.cpu.x64;


/**
 * Packs a panel of a product's B: rows of {@code width} floats, the columns that do not exist zero, or the first ones again. Arguments: rdi from, rsi to, rdx the number of rows,
 * at least 1.
 *
 * @param set instruction set
 * @param transposed whether the source has columns one after another, each with its rows contiguous
 * @param columns 1 to {@code width}
 * @param width floats of a packed row, whole vectors
 * @param wraps whether the first columns follow the last one, which ends a block of eight; else zeros do
 * @param stride bytes from a row of the source to the next; if transposed, from a column
 */
record PackKernel(InstructionSet set, boolean transposed, int columns, int width, boolean wraps, int stride) implements Kernel.Spec {
    private static final int BLOCK = 8;

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        if (transposed) {
            transpose(a);
        } else if (wraps) {
            copyBlocks(a);
        } else {
            copy(a);
        }
        a.leave(0);
    }

    private void copy(Assembler a) {
        int lanes = set.lanes();
        int rest = columns % lanes;
        LaneMask mask = rest == 0 ? LaneMask.all(a) : LaneMask.first(a, set, rest, set.vec(1));
        Label row = a.here();
        for (int j = 0; j < width; j += lanes) {
            Vec v = set.vec(0);
            Mem from = Mem.at(Gp.RDI, 4 * j);
            if (j >= columns) {
                a.vxorps(v, v, v);
            } else if (columns - j >= lanes) {
                a.vmovups(v, from);
            } else {
                mask.load(v, from);
            }
            a.vmovups(Mem.at(Gp.RSI, 4 * j), v);
        }
        a.add(Gp.RDI, stride);
        a.add(Gp.RSI, 4 * width);
        a.dec(Gp.RDX);
        a.j(Condition.NE, row);
    }

    private void copyBlocks(Assembler a) {
        Label row = a.here();
        for (int j = 0; j < width; j += BLOCK) {
            a.vmovups(Vec.ymm(0), Mem.at(Gp.RDI, 4 * (j % columns)));
            a.vmovups(Mem.at(Gp.RSI, 4 * j), Vec.ymm(0));
        }
        a.add(Gp.RDI, stride);
        a.add(Gp.RSI, 4 * width);
        a.dec(Gp.RDX);
        a.j(Condition.NE, row);
    }

    /** Eight columns at a time, eight rows of them at a time; the last rows one by one. */
    private void transpose(Assembler a) {
        for (int j = 0; j < width; j += BLOCK) {
            if (wraps && j == columns) {
                a.sub(Gp.RDI, stride * columns);
            }
            int have = Math.clamp(columns - (wraps ? j % columns : j), 0, BLOCK);
            Label rest = new Label();
            Label done = new Label();
            a.mov(Gp.R8, Gp.RDI);
            a.mov(Gp.R9, Gp.RSI);
            a.mov(Gp.RCX, Gp.RDX);
            a.shr(Gp.RCX, 3);
            a.j(Condition.E, rest);
            Label loop = a.here();
            EightByEight.transpose(a, i -> i < have ? Mem.at(Gp.R8, i * stride) : null, i -> Mem.at(Gp.R9, 4 * width * i));
            a.add(Gp.R8, 4 * BLOCK);
            a.add(Gp.R9, 4 * width * BLOCK);
            a.dec(Gp.RCX);
            a.j(Condition.NE, loop);
            a.bind(rest);
            a.mov(Gp.RCX, Gp.RDX);
            a.and(Gp.RCX, BLOCK - 1);
            a.j(Condition.E, done);
            Label one = a.here();
            for (int i = 0; i < BLOCK; i++) {
                Vec v = Vec.xmm(0);
                if (i < have) {
                    a.vmovss(v, Mem.at(Gp.R8, i * stride));
                } else {
                    a.vxorps(v, v, v);
                }
                a.vmovss(Mem.at(Gp.R9, 4 * i), v);
            }
            a.add(Gp.R8, 4);
            a.add(Gp.R9, 4 * width);
            a.dec(Gp.RCX);
            a.j(Condition.NE, one);
            a.bind(done);
            a.add(Gp.RDI, stride * have);
            a.add(Gp.RSI, 4 * BLOCK);
        }
    }
}
