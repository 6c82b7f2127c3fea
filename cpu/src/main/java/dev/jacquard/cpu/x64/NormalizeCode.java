package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.op.Nonlinearity;
import java.util.List;

/**
 * {@code y = activation((x - mean) * scale + shift + residual)} over dense rows, all but x, residual and y per channel. Arguments: rows, channels, x, mean, scale, shift, residual,
 * y. y may be x.
 *
 * @param set instruction set
 * @param residual whether something of x's shape is added
 * @param activation what comes last
 * @param streams whether y goes past the caches; its rows are whole vectors then
 */
record NormalizeCode(InstructionSet set, boolean residual, Nonlinearity activation, boolean streams) implements Kernel.Spec {
    private static final Gp ROWS = Gp.RDI;
    private static final Gp CHANNELS = Gp.RSI;
    private static final Gp X = Gp.RDX;
    private static final Gp MEAN = Gp.RCX;
    private static final Gp SCALE = Gp.R8;
    private static final Gp SHIFT = Gp.R9;
    private static final Gp RESIDUAL = Gp.R10;
    private static final Gp Y = Gp.R11;
    private static final Gp AT = Gp.RAX;
    private static final Gp LEFT = Gp.RBX;

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        a.mov(RESIDUAL, Mem.at(Gp.RSP, Assembler.argument(6, 0)));
        a.mov(Y, Mem.at(Gp.RSP, Assembler.argument(7, 0)));
        Lanes lanes = new Lanes(a, set);
        RowLoop loop = new RowLoop(a, lanes, CHANNELS, LEFT, AT);
        loop.mask();
        loop.rows(ROWS, () -> {
            loop.row(4, List.of(), (at, rest) -> vector(a, lanes, at, rest));
            loop.next(residual ? List.of(X, RESIDUAL, Y) : List.of(X, Y));
        });
        if (streams) {
            a.sfence();
        }
        a.leave(0);
    }

    private void vector(Assembler a, Lanes lanes, int at, boolean rest) {
        Vec x = set.vec(0);
        Vec other = set.vec(1);
        Vec scale = set.vec(2);
        lanes.load(x, Mem.at(X, AT, 1, at), rest);
        lanes.load(other, Mem.at(MEAN, AT, 1, at), rest);
        a.vsubps(x, x, other);
        lanes.load(scale, Mem.at(SCALE, AT, 1, at), rest);
        lanes.load(other, Mem.at(SHIFT, AT, 1, at), rest);
        a.vfmadd213ps(x, scale, other);
        if (residual) {
            lanes.load(other, Mem.at(RESIDUAL, AT, 1, at), rest);
            a.vaddps(x, x, other);
        }
        new Activations(a, set, set.vec(3), set.vec(4), set.vec(5)).apply(activation, x);
        lanes.store(Mem.at(Y, AT, 1, at), x, rest, streams);
    }
}
