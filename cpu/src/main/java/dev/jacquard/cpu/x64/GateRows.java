package dev.jacquard.cpu.x64;

import java.util.List;

/** {@code y = x * gate} over dense rows, a gate per channel. Arguments: rows, at least 1, channels, x, gates, y. */
record GateRows(InstructionSet set) implements Kernel.Spec {
    private static final Gp ROWS = Gp.RDI;
    private static final Gp CHANNELS = Gp.RSI;
    private static final Gp X = Gp.RDX;
    private static final Gp GATES = Gp.RCX;
    private static final Gp Y = Gp.R8;
    private static final Gp AT = Gp.RAX;
    private static final Gp LEFT = Gp.RBX;

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        Lanes lanes = new Lanes(a, set);
        RowLoop loop = new RowLoop(a, lanes, CHANNELS, LEFT, AT);
        loop.mask();
        loop.rows(ROWS, () -> {
            loop.row(4, List.of(), (at, rest) -> vector(a, lanes, at, rest));
            loop.next(List.of(X, Y));
        });
        a.leave(0);
    }

    private void vector(Assembler a, Lanes lanes, int at, boolean rest) {
        Vec x = set.vec(0);
        Vec gate = set.vec(1);
        lanes.load(x, Mem.at(X, AT, 1, at), rest);
        lanes.load(gate, Mem.at(GATES, AT, 1, at), rest);
        a.vmulps(x, x, gate);
        lanes.store(Mem.at(Y, AT, 1, at), x, rest);
    }
}
