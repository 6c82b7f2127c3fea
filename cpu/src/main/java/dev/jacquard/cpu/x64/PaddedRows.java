package dev.jacquard.cpu.x64;

/**
 * Copies rows of floats and puts zeros on both sides of each. Arguments: rdi, the first row to write; rsi, the first to read; rdx, the number of rows, 0 or more.
 *
 * @param set instruction set
 * @param before zeros before a row
 * @param inside floats of a row
 * @param after zeros after it
 * @param toRow bytes from one row written to the next
 * @param fromRow bytes from one row read to the next
 */
record PaddedRows(InstructionSet set, int before, int inside, int after, int toRow, int fromRow) implements Kernel.Spec {
    @Override
    public void emit(Assembler e) {
        e.enter(0);
        Label end = new Label();
        e.vxorps(zero(), zero(), zero());
        Label row = e.here();
        e.test(Gp.RDX, Gp.RDX);
        e.j(Condition.E, end);
        e.mov(Gp.R8, Gp.RDI);
        e.mov(Gp.R9, Gp.RSI);
        move(e, before, false);
        move(e, inside, true);
        move(e, after, false);
        e.mov(Gp.RDI, Gp.R8);
        e.mov(Gp.RSI, Gp.R9);
        e.add(Gp.RDI, toRow);
        e.add(Gp.RSI, fromRow);
        e.dec(Gp.RDX);
        e.jmp(row);
        e.bind(end);
        e.leave(0);
    }

    private Vec zero() {
        return set.vec(1);
    }

    private void move(Assembler e, int floats, boolean copy) {
        Vec v = copy ? set.vec(0) : zero();
        if (floats >= set.lanes()) {
            e.mov(Gp.RCX, floats / set.lanes());
            Label next = e.here();
            if (copy) {
                e.vmovups(v, Mem.at(Gp.RSI));
                e.add(Gp.RSI, set.bytes());
            }
            e.vmovups(Mem.at(Gp.RDI), v);
            e.add(Gp.RDI, set.bytes());
            e.dec(Gp.RCX);
            e.j(Condition.NE, next);
        }
        int rest = floats % set.lanes();
        for (int i = 0; i < rest; i++) {
            if (copy) {
                e.vmovss(v, Mem.at(Gp.RSI, 4 * i));
            }
            e.vmovss(Mem.at(Gp.RDI, 4 * i), v);
        }
        if (rest > 0) {
            e.add(Gp.RDI, 4 * rest);
            e.add(Gp.RSI, copy ? 4 * rest : 0);
        }
    }
}
