package dev.jacquard.cpu.x64;

/**
 * Brings sums or weights as {@link GroupedKernel} has them, [vector][row tap][channel of the group][column tap][element], into the order (K, R, S, C / groups). Emitted not for its
 * speed alone: it is called once per step, which is too seldom for HotSpot to compile it soon.
 *
 * <p>Arguments: the first vector's sums, the first channel's weights, and the number of channels, at least 1.
 *
 * @param set instruction set, for the length of vectors
 * @param rows taps along a column
 * @param columns taps along a row
 * @param group channels of a group
 */
record UnpackKernel(InstructionSet set, int rows, int columns, int group) implements Kernel.Spec {
    @Override
    public void emit(Assembler a) {
        int unrolled = group % 8 == 0 ? 8 : group % 4 == 0 ? 4 : 1;
        int step = columns * set.bytes();
        a.enter(0);
        a.xor(Gp.R8, Gp.R8);
        Label channel = a.here();
        a.mov(Gp.R9, Gp.RDI);
        a.mov(Gp.R10, rows);
        Label row = a.here();
        a.mov(Gp.R11, columns);
        Label column = a.here();
        a.mov(Gp.RBX, Gp.R9);
        a.mov(Gp.RCX, group / unrolled);
        Label inner = a.here();
        for (int i = 0; i < unrolled; i++) {
            a.mov32(Gp.RAX, Mem.at(Gp.RBX, i * step));
            a.mov32(Mem.at(Gp.RSI, 4 * i), Gp.RAX);
        }
        a.add(Gp.RSI, 4 * unrolled);
        a.add(Gp.RBX, unrolled * step);
        a.dec(Gp.RCX);
        a.j(Condition.NE, inner);
        a.add(Gp.R9, set.bytes());
        a.dec(Gp.R11);
        a.j(Condition.NE, column);
        a.add(Gp.R9, (group - 1) * step);
        a.dec(Gp.R10);
        a.j(Condition.NE, row);
        a.add(Gp.RDI, 4);
        a.inc(Gp.R8);
        Label same = new Label();
        a.cmp(Gp.R8, set.lanes());
        a.j(Condition.NE, same);
        a.add(Gp.RDI, rows * group * step - set.bytes());
        a.xor(Gp.R8, Gp.R8);
        a.bind(same);
        a.dec(Gp.RDX);
        a.j(Condition.NE, channel);
        a.leave(0);
    }
}
