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
        lanes.remainder(LEFT, CHANNELS);
        lanes.rest(LEFT);
        Label row = a.here();
        a.mov(LEFT, CHANNELS);
        a.xor(AT, AT);
        lanes.loop(LEFT, 4, List.of(AT), false, (at, rest) -> vector(a, lanes, at, rest));
        for (Gp p : List.of(X, Y)) {
            a.lea(p, Mem.at(p, CHANNELS, 4, 0));
        }
        a.dec(ROWS);
        a.j(Condition.NE, row);
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
