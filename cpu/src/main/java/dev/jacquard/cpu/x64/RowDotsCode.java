package dev.jacquard.cpu.x64;

import java.util.List;

/**
 * A matrix times a vector: {@code out[r] = bias[r] + sum over c of matrix[r, c] vector[c]}, dense rows. Arguments: rows, columns, matrix, vector, bias, out.
 *
 * @param set instruction set
 */
record RowDotsCode(InstructionSet set) implements Kernel.Spec {
    private static final int CHAINS = 4;
    private static final Gp ROWS = Gp.RDI;
    private static final Gp COLUMNS = Gp.RSI;
    private static final Gp MATRIX = Gp.RDX;
    private static final Gp VECTOR = Gp.RCX;
    private static final Gp BIAS = Gp.R8;
    private static final Gp OUT = Gp.R9;
    private static final Gp LEFT = Gp.RAX;
    private static final Gp AT = Gp.R10;

    @Override
    public void emit(Assembler a) {
        Lanes lanes = new Lanes(a, set);
        RowLoop loop = new RowLoop(a, lanes, COLUMNS, LEFT, AT);
        loop.mask();
        loop.rows(ROWS, () -> {
            row(a, lanes, loop);
            loop.next(List.of(MATRIX));
            a.add(BIAS, 4);
            a.add(OUT, 4);
        });
        a.vzeroupper();
        a.ret();
    }

    private void row(Assembler a, Lanes lanes, RowLoop loop) {
        for (int i = 0; i < CHAINS; i++) {
            a.vxorps(set.vec(i), set.vec(i), set.vec(i));
        }
        loop.row(CHAINS, List.of(), (at, rest) -> {
            lanes.load(set.vec(CHAINS), Mem.at(MATRIX, AT, 1, at), rest);
            lanes.load(set.vec(CHAINS + 1), Mem.at(VECTOR, AT, 1, at), rest);
            a.vfmadd231ps(set.vec(at / set.bytes()), set.vec(CHAINS), set.vec(CHAINS + 1));
        });
        a.vaddps(set.vec(0), set.vec(0), set.vec(1));
        a.vaddps(set.vec(2), set.vec(2), set.vec(3));
        a.vaddps(set.vec(0), set.vec(0), set.vec(2));
        lanes.sum(set.vec(0), set.vec(1));
        a.vmovss(set.vec(1), Mem.at(BIAS));
        a.vaddps(set.vec(0).as(128), set.vec(0).as(128), set.vec(1).as(128));
        a.vmovss(Mem.at(OUT), set.vec(0));
    }
}
