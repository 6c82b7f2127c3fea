package dev.jacquard.cpu.x64;

import java.util.Arrays;

/** SiLU of a tile whose sums were scaled and shifted: its divisions and powers leave the units for multiply-adds idle. */
final class LateSilu extends LateRows {
    private static final int AT_ONCE = 4;

    private final Vec[] free;
    private final Store store;

    /** @param free registers beside the sums, at least seven */
    LateSilu(Assembler a, InstructionSet set, int tileRows, int vectors, int cRow, Vec[] free, Store store) {
        super(a, set, tileRows, vectors, cRow);
        this.free = free.clone();
        this.store = store;
    }

    /** A few vectors at a time, so that registers are left for constants. */
    @Override
    void row(int i) {
        for (int first = 0; first < vectors; first += AT_ONCE) {
            int count = Math.min(AT_ONCE, vectors - first);
            Vec[] values = Arrays.copyOf(free, count);
            for (int v = 0; v < count; v++) {
                a.vmovups(values[v], Mem.at(Gp.R10, i * rowBytes() + (first + v) * set.bytes()));
            }
            new Activations(a, set, Arrays.copyOfRange(free, count, free.length)).applyToScaled(values);
            for (int v = 0; v < count; v++) {
                store.accept(Mem.at(Gp.R9, i * cRow + (first + v) * set.bytes()), first + v, values[v]);
            }
        }
    }
}
