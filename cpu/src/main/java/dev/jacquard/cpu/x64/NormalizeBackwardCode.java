package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.op.Nonlinearity;
import java.util.List;

/**
 * {@code dx = a g + b (x - mean) + k} over dense rows, where g = dy, or the gradient that an activation lets through: that of {@code (x - mean) * scale + shift}, computed again.
 * Arguments: rows, channels, dy, x, the address of (mean, scale, shift), that of (a, b, k), each three rows of channels, dx. dx may be dy or x.
 *
 * @param set instruction set
 * @param activation what the gradient comes through
 * @param streams whether dx goes past the caches; its rows are whole vectors then
 */
record NormalizeBackwardCode(InstructionSet set, Nonlinearity activation, boolean streams) implements Kernel.Spec {
    private static final Gp ROWS = Gp.RDI;
    private static final Gp CHANNELS = Gp.RSI;
    private static final Gp DY = Gp.RDX;
    private static final Gp X = Gp.RCX;
    private static final Gp FORWARD = Gp.R8;
    private static final Gp BACKWARD = Gp.R9;
    private static final Gp DX = Gp.R10;
    private static final Gp AT = Gp.RAX;
    private static final Gp LEFT = Gp.RBX;
    private static final Gp STRIDE = Gp.R11;
    private static final Gp FORWARD_AT = Gp.R12;
    private static final Gp BACKWARD_AT = Gp.R13;

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        a.mov(DX, Mem.at(Gp.RSP, Assembler.argument(6, 0)));
        a.mov(STRIDE, CHANNELS);
        a.shl(STRIDE, 2);
        Lanes lanes = new Lanes(a, set);
        RowLoop loop = new RowLoop(a, lanes, CHANNELS, LEFT, AT);
        loop.mask();
        loop.rows(ROWS, () -> {
            a.mov(FORWARD_AT, FORWARD);
            a.mov(BACKWARD_AT, BACKWARD);
            loop.row(2, List.of(FORWARD_AT, BACKWARD_AT), (at, rest) -> vector(a, lanes, at, rest));
            loop.next(List.of(X, DY, DX));
        });
        if (streams) {
            a.sfence();
        }
        a.leave(0);
    }

    private void vector(Assembler a, Lanes lanes, int at, boolean rest) {
        Vec x = set.vec(0);
        Vec g = set.vec(1);
        Vec factor = set.vec(2);
        Vec other = set.vec(3);
        lanes.load(x, Mem.at(X, AT, 1, at), rest);
        lanes.load(other, Mem.at(FORWARD_AT, at), rest);
        a.vsubps(x, x, other);
        lanes.load(g, Mem.at(DY, AT, 1, at), rest);
        if (activation != Nonlinearity.NONE) {
            lanes.load(factor, Mem.at(FORWARD_AT, STRIDE, 1, at), rest);
            lanes.load(other, Mem.at(FORWARD_AT, STRIDE, 2, at), rest);
            a.vfmadd231ps(other, x, factor);
            new Activations(a, set, set.vec(4), set.vec(5), set.vec(6), set.vec(7)).backward(activation, g, other);
        }
        lanes.load(other, Mem.at(BACKWARD_AT, STRIDE, 2, at), rest);
        lanes.load(factor, Mem.at(BACKWARD_AT, STRIDE, 1, at), rest);
        a.vfmadd213ps(x, factor, other);
        lanes.load(factor, Mem.at(BACKWARD_AT, at), rest);
        a.vfmadd231ps(x, g, factor);
        lanes.store(Mem.at(DX, AT, 1, at), x, rest, streams);
    }
}
