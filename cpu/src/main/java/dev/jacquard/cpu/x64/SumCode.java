package dev.jacquard.cpu.x64;

import java.util.List;

/**
 * Numbers from all elements. Arguments: x, to, n, the bits of a factor. Result: the bits of a float, see {@link Kind}.
 *
 * @param set instruction set
 * @param kind what is summed
 */
record SumCode(InstructionSet set, Kind kind) implements Kernel.Spec {
    /** What is summed. */
    enum Kind {
        /** Sum of squares. */
        SQUARES,
        /** 0 if all are finite, NaN if not: the sum of x times 0. */
        FINITE,
        /** The same, and to = x times the factor. */
        SCALE
    }

    private static final int CHAINS = 4;

    @Override
    public void emit(Assembler a) {
        Lanes lanes = new Lanes(a, set);
        Vec x = set.vec(0);
        Vec factor = set.vec(1);
        Vec zero = set.vec(2);
        a.vxorps(zero, zero, zero);
        for (int i = 0; i < CHAINS; i++) {
            a.vxorps(sum(i), sum(i), sum(i));
        }
        if (kind == Kind.SCALE) {
            a.vmovd(factor.as(128), Gp.RCX);
            a.vpbroadcastd(factor, factor.as(128));
        }
        lanes.loop(Gp.RDX, CHAINS, kind == Kind.SCALE ? List.of(Gp.RDI, Gp.RSI) : List.of(Gp.RDI), (at, rest) -> {
            Vec sum = sum(at / set.bytes());
            lanes.load(x, Mem.at(Gp.RDI, at), rest);
            if (kind == Kind.SQUARES) {
                a.vfmadd231ps(sum, x, x);
            } else {
                a.vfmadd231ps(sum, x, zero);
            }
            if (kind == Kind.SCALE) {
                a.vmulps(x, x, factor);
                lanes.store(Mem.at(Gp.RSI, at), x, rest);
            }
        });
        a.vaddps(sum(0), sum(0), sum(1));
        a.vaddps(sum(2), sum(2), sum(3));
        a.vaddps(sum(0), sum(0), sum(2));
        lanes.sum(sum(0), x);
        a.vmovd(Gp.RAX, sum(0).as(128));
        a.vzeroupper();
        a.ret();
    }

    private Vec sum(int i) {
        return set.vec(4 + i);
    }
}
