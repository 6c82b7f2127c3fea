package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.op.Nonlinearity;
import java.util.List;

/**
 * Sums of a gradient per channel, as the backward of batch normalisation needs them, through what followed the normalisation: g is the gradient that the activation lets through, of
 * {@code (x - mean) * scale + shift + residual}, computed again; sum[c] = sum of g, dot[c] = sum of g (x - mean). Arguments: rows, channels, dy, x, the address of (mean, scale, shift), three rows of
 * channels, residual, g (written if there is a residual: it is the residual's gradient), sum, dot. Rows are dense.
 *
 * @param set instruction set
 * @param residual whether something was added
 * @param activation what came last
 */
record ActivationDotsCode(InstructionSet set, boolean residual, Nonlinearity activation) implements Kernel.Spec {
    private static final Gp ROWS = Gp.RDI;
    private static final Gp CHANNELS = Gp.RSI;
    private static final Gp DY = Gp.RDX;
    private static final Gp X = Gp.RCX;
    private static final Gp FORWARD = Gp.R8;
    private static final Gp RESIDUAL = Gp.R9;
    private static final Gp G = Gp.R10;
    private static final Gp SUM = Gp.R11;
    private static final Gp DOT = Gp.RBX;
    private static final Gp COUNTER = Gp.RAX;
    private static final Gp STRIDE = Gp.R12;
    private static final Gp ROW = Gp.R13;

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        a.mov(G, Mem.at(Gp.RSP, Assembler.argument(6, 0)));
        a.mov(SUM, Mem.at(Gp.RSP, Assembler.argument(7, 0)));
        a.mov(DOT, Mem.at(Gp.RSP, Assembler.argument(8, 0)));
        a.mov(STRIDE, CHANNELS);
        a.shl(STRIDE, 2);
        new Loop(a).emit(ROWS, CHANNELS, COUNTER, List.of(DY, X, FORWARD, RESIDUAL, G, SUM, DOT), set == InstructionSet.AVX512 ? 8 : 2);
        a.leave(0);
    }

    private final class Loop extends ColumnLoop {
        private final Vec x = set.vec(0);
        private final Vec g = set.vec(1);
        private final Vec other = set.vec(2);
        private final Vec factor = set.vec(3);
        private final Activations f = new Activations(a, set, set.vec(4), set.vec(5), set.vec(6), set.vec(7));

        Loop(Assembler a) {
            super(a, ActivationDotsCode.this.set);
        }

        @Override
        void begin(int width, boolean rest) {
            a.xor(ROW, ROW);
            for (int i = 0; i < width; i++) {
                zero(sum(0, i));
                zero(sum(1, i));
            }
        }

        @Override
        void row(int width, boolean rest) {
            for (int i = 0; i < width; i++) {
                int at = i * set.bytes();
                lanes.load(x, Mem.at(X, ROW, 1, at), rest);
                lanes.load(g, Mem.at(DY, ROW, 1, at), rest);
                lanes.load(other, Mem.at(FORWARD, at), rest);
                a.vsubps(x, x, other);
                if (activation != Nonlinearity.NONE) {
                    lanes.load(factor, Mem.at(FORWARD, STRIDE, 1, at), rest);
                    lanes.load(other, Mem.at(FORWARD, STRIDE, 2, at), rest);
                    a.vfmadd231ps(other, x, factor);
                    if (residual) {
                        lanes.load(factor, Mem.at(RESIDUAL, ROW, 1, at), rest);
                        a.vaddps(other, other, factor);
                    }
                    f.backward(activation, g, other);
                }
                if (residual) {
                    lanes.store(Mem.at(G, ROW, 1, at), g, rest);
                }
                a.vaddps(sum(0, i), sum(0, i), g);
                a.vfmadd231ps(sum(1, i), g, x);
            }
        }

        @Override
        void next() {
            a.add(ROW, STRIDE);
        }

        @Override
        void end(int width, boolean rest) {
            for (int i = 0; i < width; i++) {
                lanes.store(Mem.at(SUM, i * set.bytes()), sum(0, i), rest);
                lanes.store(Mem.at(DOT, i * set.bytes()), sum(1, i), rest);
            }
        }
    }
}
