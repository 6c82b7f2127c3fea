package dev.jacquard.cpu.x64;

import java.util.List;

/**
 * Copies of float32 rows, and what is like one. Arguments: rows, columns, from, bytes from row to row there, to, bytes from row to row there.
 *
 * @param set instruction set
 * @param kind what is copied
 */
record CopyCode(InstructionSet set, Kind kind) implements Kernel.Spec {
    /** What is copied. */
    enum Kind {
        /** Rows as they are. */
        ROWS,
        /** One number, whose bits are {@code from}, to all of {@code to}. */
        FILL,
        /** to[j, i] = from[i, j]; counts are multiples of 8. */
        TRANSPOSE_EIGHTS,
        /** to[j, i] = from[i, j], one element at a time. */
        TRANSPOSE
    }

    private static final Gp ROWS = Gp.RDI;
    private static final Gp COLUMNS = Gp.RSI;
    private static final Gp FROM = Gp.RDX;
    private static final Gp FROM_ROW = Gp.RCX;
    private static final Gp TO = Gp.R8;
    private static final Gp TO_ROW = Gp.R9;
    private static final Gp LEFT = Gp.RAX;
    private static final Gp AT = Gp.R10;
    private static final Gp AT_TO = Gp.R11;
    private static final Gp THREE_FROM = Gp.RBX;
    private static final Gp LOWER = Gp.R12;
    private static final Gp THREE_TO = Gp.R13;
    private static final Gp LOWER_TO = Gp.R14;

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        switch (kind) {
            case ROWS -> rows(a);
            case FILL -> fill(a);
            case TRANSPOSE_EIGHTS -> eights(a);
            case TRANSPOSE -> single(a);
        }
        a.leave(0);
    }

    private void rows(Assembler a) {
        Lanes lanes = new Lanes(a, set);
        RowLoop loop = new RowLoop(a, lanes, COLUMNS, LEFT, AT);
        loop.mask();
        loop.rows(ROWS, () -> {
            loop.row(4, List.of(), (at, rest) -> {
                lanes.load(set.vec(0), Mem.at(FROM, AT, 1, at), rest);
                lanes.store(Mem.at(TO, AT, 1, at), set.vec(0), rest);
            });
            a.add(FROM, FROM_ROW);
            a.add(TO, TO_ROW);
        });
    }

    private void fill(Assembler a) {
        Vec v = set.vec(0);
        a.vmovd(v.as(128), FROM);
        a.vpbroadcastd(v, v.as(128));
        Lanes lanes = new Lanes(a, set);
        lanes.loop(COLUMNS, 4, List.of(TO), (at, rest) -> lanes.store(Mem.at(TO, at), v, rest));
    }

    private void single(Assembler a) {
        Label row = a.here();
        a.mov(LEFT, COLUMNS);
        a.mov(AT, FROM);
        a.mov(AT_TO, TO);
        Label column = a.here();
        a.mov32(THREE_FROM, Mem.at(AT));
        a.mov32(Mem.at(AT_TO), THREE_FROM);
        a.add(AT, 4);
        a.add(AT_TO, TO_ROW);
        a.dec(LEFT);
        a.j(Condition.NE, column);
        a.add(FROM, FROM_ROW);
        a.add(TO, 4);
        a.dec(ROWS);
        a.j(Condition.NE, row);
    }

    private void eights(Assembler a) {
        a.lea(THREE_FROM, Mem.at(FROM_ROW, FROM_ROW, 2, 0));
        a.lea(THREE_TO, Mem.at(TO_ROW, TO_ROW, 2, 0));
        Label row = a.here();
        a.mov(LEFT, COLUMNS);
        a.mov(AT, FROM);
        a.mov(AT_TO, TO);
        Label column = a.here();
        a.lea(LOWER, Mem.at(AT, FROM_ROW, 4, 0));
        a.lea(LOWER_TO, Mem.at(AT_TO, TO_ROW, 4, 0));
        EightByEight.transpose(a, i -> row(i, AT, LOWER, FROM_ROW, THREE_FROM), i -> row(i, AT_TO, LOWER_TO, TO_ROW, THREE_TO));
        a.add(AT, 32);
        a.lea(AT_TO, Mem.at(AT_TO, TO_ROW, 8, 0));
        a.sub(LEFT, 8);
        a.j(Condition.NE, column);
        a.lea(FROM, Mem.at(FROM, FROM_ROW, 8, 0));
        a.add(TO, 32);
        a.sub(ROWS, 8);
        a.j(Condition.NE, row);
    }

    private static Mem row(int i, Gp upper, Gp lower, Gp stride, Gp three) {
        Gp base = i < 4 ? upper : lower;
        return switch (i & 3) {
            case 0 -> Mem.at(base);
            case 1 -> Mem.at(base, stride, 1, 0);
            case 2 -> Mem.at(base, stride, 2, 0);
            default -> Mem.at(base, three, 1, 0);
        };
    }
}
