package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.op.Nonlinearity;
import java.util.List;

/**
 * Sums of a gradient per channel, as the backward of batch normalisation needs them, through what followed the normalisation: g is the gradient that the activation lets through,
 * of {@code (x - mean) * scale + shift + residual}, computed again; sum[c] = sum of g, dot[c] = sum of g (x - mean). Arguments: rows, channels, dy, x, the address of (mean, scale,
 * shift), three rows of channels, residual, g (written if there is a residual: it is the residual's gradient), sum, dot. Rows are dense.
 *
 * <p>Memory is read and written from front to back, which it takes better than strips of some channels; so the sums are in memory, too, but never leave the first-level cache.
 *
 * @param set instruction set
 * @param residual whether something was added
 * @param activation what came last
 * @param streams whether g goes past the caches; its rows are whole vectors then
 */
record ActivationDotsCode(InstructionSet set, boolean residual, Nonlinearity activation, boolean streams) implements Kernel.Spec {
    private static final Gp ROWS = Gp.RDI;
    private static final Gp CHANNELS = Gp.RSI;
    private static final Gp DY = Gp.RDX;
    private static final Gp X = Gp.RCX;
    private static final Gp MEAN = Gp.R8;
    private static final Gp RESIDUAL = Gp.R9;
    private static final Gp G = Gp.R10;
    private static final Gp SUM = Gp.R11;
    private static final Gp DOT = Gp.RBX;
    private static final Gp AT = Gp.RAX;
    private static final Gp LEFT = Gp.RBP;
    private static final Gp SCALE = Gp.R12;
    private static final Gp SHIFT = Gp.R13;

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        a.mov(G, Mem.at(Gp.RSP, Assembler.argument(6, 0)));
        a.mov(SUM, Mem.at(Gp.RSP, Assembler.argument(7, 0)));
        a.mov(DOT, Mem.at(Gp.RSP, Assembler.argument(8, 0)));
        a.lea(SCALE, Mem.at(MEAN, CHANNELS, 4, 0));
        a.lea(SHIFT, Mem.at(SCALE, CHANNELS, 4, 0));
        Lanes lanes = new Lanes(a, set);
        RowLoop loop = new RowLoop(a, lanes, CHANNELS, LEFT, AT);
        loop.mask();
        loop.row(2, List.of(), (at, rest) -> zero(a, lanes, at, rest));
        Label none = new Label();
        a.test(ROWS, ROWS);
        a.j(Condition.E, none);
        loop.rows(ROWS, () -> {
            loop.row(2, List.of(), (at, rest) -> vector(a, lanes, at, rest));
            loop.next(residual ? List.of(DY, X, RESIDUAL, G) : List.of(DY, X));
        });
        a.bind(none);
        if (streams) {
            a.sfence();
        }
        a.leave(0);
    }

    private void zero(Assembler a, Lanes lanes, int at, boolean rest) {
        Vec zero = set.vec(0);
        a.vxorps(zero, zero, zero);
        lanes.store(Mem.at(SUM, AT, 1, at), zero, rest);
        lanes.store(Mem.at(DOT, AT, 1, at), zero, rest);
    }

    private void vector(Assembler a, Lanes lanes, int at, boolean rest) {
        Vec x = set.vec(0);
        Vec g = set.vec(1);
        Vec other = set.vec(2);
        Vec factor = set.vec(3);
        lanes.load(x, Mem.at(X, AT, 1, at), rest);
        lanes.load(g, Mem.at(DY, AT, 1, at), rest);
        lanes.load(other, Mem.at(MEAN, AT, 1, at), rest);
        a.vsubps(x, x, other);
        if (activation != Nonlinearity.NONE) {
            lanes.load(factor, Mem.at(SCALE, AT, 1, at), rest);
            lanes.load(other, Mem.at(SHIFT, AT, 1, at), rest);
            a.vfmadd231ps(other, x, factor);
            if (residual) {
                lanes.load(factor, Mem.at(RESIDUAL, AT, 1, at), rest);
                a.vaddps(other, other, factor);
            }
            new Activations(a, set, set.vec(4), set.vec(5), set.vec(6), set.vec(7)).backward(activation, g, other);
        }
        if (residual) {
            lanes.store(Mem.at(G, AT, 1, at), g, rest, streams);
        }
        lanes.load(other, Mem.at(SUM, AT, 1, at), rest);
        lanes.load(factor, Mem.at(DOT, AT, 1, at), rest);
        a.vaddps(other, other, g);
        a.vfmadd231ps(factor, g, x);
        lanes.store(Mem.at(SUM, AT, 1, at), other, rest);
        lanes.store(Mem.at(DOT, AT, 1, at), factor, rest);
    }
}
