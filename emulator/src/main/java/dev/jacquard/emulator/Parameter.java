package dev.jacquard.emulator;

import java.util.Arrays;

/** A load of a kernel's parameter at a fixed place: the same for all lanes. */
final class Parameter extends Insn {
    private final int offset;
    private final int size;
    private final boolean signed;
    private final int[] d;
    private final boolean[] wide;
    private final boolean[] half;

    Parameter(int offset, int size, boolean signed, int[] d, boolean[] wide, boolean[] half) {
        this.offset = offset;
        this.size = size;
        this.signed = signed;
        this.d = d;
        this.wide = wide;
        this.half = half;
    }

    @Override
    void run(Warp w, int mask) {
        byte[] data = w.machine.parameters();
        if (offset < 0 || offset + size * d.length > data.length || (offset & size * d.length - 1) != 0) {
            int lane = Integer.numberOfTrailingZeros(mask);
            throw new Fault(lane, "read of " + size * d.length + " bytes at parameter address " + offset + ", of " + data.length + " bytes of parameters");
        }
        for (int k = 0; k < d.length; k++) {
            if (d[k] < 0) {
                continue;
            }
            long v = Access.read(data, offset + k * size, size, signed);
            if (wide[k]) {
                Arrays.fill(w.wide(d[k], mask), v);
                w.settleWide(d[k], mask);
            } else {
                Arrays.fill(w.narrow(d[k], mask), half[k] ? (int) v & 0xffff : (int) v);
                w.settle(d[k], mask);
            }
        }
    }
}
