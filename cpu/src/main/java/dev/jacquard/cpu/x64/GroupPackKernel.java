package dev.jacquard.cpu.x64;

/**
 * Brings weights (K, R, S, C / groups) of one group's vectors into the order of {@link GroupedKernel}: [row tap][channel of the group][vector][column tap][element]. Elements of a
 * vector are channels of the result: k forward, c backward. Emitted because every step of a training does it, of all weights.
 *
 * <p>Arguments: where to; the weight that the first vector's first element takes at the first tap, of the group's first channel.
 *
 * @param set instruction set
 * @param rows taps along a column
 * @param columns taps along a row
 * @param group channels of a group
 * @param together vectors, of one group
 * @param elements of the last vector that there are; the others become zeros
 * @param backward whether the result is the gradient of images
 */
record GroupPackKernel(InstructionSet set, int rows, int columns, int group, int together, int elements, boolean backward) implements Kernel.Spec {
    private int filter() {
        return rows * columns * group;
    }

    /** Floats from the weights of a channel of the group to those of the next. */
    private int channelStep() {
        return backward ? filter() : 1;
    }

    /** Floats from the first element's weight to that of element {@code i}. */
    private int element(int i) {
        return backward ? i / group * group * filter() + i % group : i * filter();
    }

    /** The first weight that vector {@code v} takes. */
    long first(int v) {
        int channel = v * set.lanes();
        return backward ? (long) channel / group * group * filter() + channel % group : (long) channel * filter();
    }

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        a.mov(Gp.RCX, rows);
        a.vxorps(Vec.xmm(0), Vec.xmm(0), Vec.xmm(0));
        Label row = a.here();
        a.mov(Gp.RDX, group);
        Label channel = a.here();
        for (int v = 0; v < together; v++) {
            for (int s = 0; s < columns; s++) {
                vector(a, v, s);
            }
        }
        a.add(Gp.RDI, together * columns * set.bytes());
        a.add(Gp.RSI, 4 * channelStep());
        a.dec(Gp.RDX);
        a.j(Condition.NE, channel);
        a.add(Gp.RSI, 4 * group * (columns - channelStep()));
        a.dec(Gp.RCX);
        a.j(Condition.NE, row);
        a.leave(0);
    }

    private void vector(Assembler a, int v, int s) {
        int from = s * group + Math.toIntExact(first(v));
        int to = (v * columns + s) * set.bytes();
        int there = v == together - 1 ? elements : set.lanes();
        if (backward && group >= set.lanes()) {
            a.vmovups(set.vec(1), Mem.at(Gp.RSI, 4 * from));
            a.vmovups(Mem.at(Gp.RDI, to), set.vec(1));
            return;
        }
        for (int i = 0; i < set.lanes(); i++) {
            if (i < there) {
                a.mov32(Gp.RAX, Mem.at(Gp.RSI, 4 * (from + element(i))));
                a.mov32(Mem.at(Gp.RDI, to + 4 * i), Gp.RAX);
            } else {
                a.vmovss(Mem.at(Gp.RDI, to + 4 * i), Vec.xmm(0));
            }
        }
    }
}
