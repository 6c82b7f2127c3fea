package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.op.Pointwise;
import java.util.List;

/**
 * A pointwise op over float32: {@code out[i] = f(a[i], b[i], c[i])}. Arguments: a, b, c, out, n. The output may be an operand.
 *
 * @param set instruction set
 * @param op the function, one that {@link #has}
 * @param each bit i: whether operand i has a number for each element; else it is one for all
 */
record PointwiseCode(InstructionSet set, Pointwise op, int each) implements Kernel.Spec {
    private static final int NOT_EQUAL = 4;
    private static final int NOT_EQUAL_ORDERED = 12;
    private static final int EQUAL = 0;
    private static final int LESS = 1;
    private static final int GREATER = 14;
    private static final int UNORDERED = 3;

    /** Whether there is code for an op. */
    static boolean has(Pointwise op) {
        return switch (op) {
            case Pointwise.Affine _, Pointwise.Exp _, Pointwise.Log _, Pointwise.Sqrt _, Pointwise.Rsqrt _, Pointwise.Abs _, Pointwise.Sign _, Pointwise.Relu _,
                    Pointwise.Sigmoid _, Pointwise.Tanh _, Pointwise.Silu _, Pointwise.Hardswish _, Pointwise.RoundTf32 _ -> true;
            case Pointwise.Add _, Pointwise.Sub _, Pointwise.Mul _, Pointwise.Div _, Pointwise.Max _, Pointwise.Min _, Pointwise.Greater _, Pointwise.Equal _,
                    Pointwise.ReluBackward _, Pointwise.SigmoidBackward _, Pointwise.SiluBackward _ -> true;
            case Pointwise.MulAdd _, Pointwise.Select _ -> true;
            default -> false;
        };
    }

    @Override
    public void emit(Assembler a) {
        Lanes lanes = new Lanes(a, set);
        Gp[] from = {Gp.RDI, Gp.RSI, Gp.RDX};
        List<Gp> pointers = new java.util.ArrayList<>(List.of(Gp.RCX));
        Vec[] held = new Vec[3];
        for (int i = 0; i < op.arity(); i++) {
            held[i] = set.vec(8 + i);
            if ((each >> i & 1) == 0) {
                a.vbroadcastss(held[i], Mem.at(from[i]));
            } else {
                pointers.add(from[i]);
            }
        }
        Body body = new Body(a, set, new Activations(a, set, set.vec(3), set.vec(4), set.vec(5), set.vec(6), set.vec(7)));
        lanes.loop(Gp.R8, 4, pointers, (at, rest) -> {
            Vec[] x = {set.vec(0), set.vec(1), set.vec(2)};
            for (int i = 0; i < op.arity(); i++) {
                if ((each >> i & 1) != 0) {
                    lanes.load(x[i], Mem.at(from[i], at), rest);
                } else if (i == 0) {
                    a.vmovups(x[0], held[0]);
                } else {
                    x[i] = held[i];
                }
            }
            body.emit(op, x[0], x[1], x[2]);
            lanes.store(Mem.at(Gp.RCX, at), x[0], rest);
        });
        a.vzeroupper();
        a.ret();
    }

    /** The functions: x becomes the result, y and z stay. */
    private record Body(Assembler a, InstructionSet set, Activations f) {
        private static final Literal ZERO = Literal.of(0);
        private static final Literal ONE = Literal.of(1);

        private void emit(Pointwise op, Vec x, Vec y, Vec z) {
            switch (op) {
                case Pointwise.Unary u -> unary(u, x);
                case Pointwise.Binary b -> binary(b, x, y);
                case Pointwise.MulAdd _ -> a.vfmadd213ps(x, y, z);
                case Pointwise.Ternary _ -> select(x, y, z);
            }
        }

        private void unary(Pointwise.Unary op, Vec x) {
            Vec t = set.vec(3);
            switch (op) {
                case Pointwise.Affine c -> {
                    a.constant(t, (float) c.scale());
                    a.vfmadd213ps(x, t, Literal.of((float) c.shift()));
                }
                case Pointwise.Exp _ -> f.exp(x);
                case Pointwise.Log _ -> f.log(x);
                case Pointwise.Sqrt _ -> a.vsqrtps(x, x);
                case Pointwise.Rsqrt _ -> {
                    a.vsqrtps(x, x);
                    a.constant(t, 1);
                    a.vdivps(x, t, x);
                }
                case Pointwise.Abs _ -> a.vandps(x, x, Literal.bits(0x7fffffff));
                case Pointwise.Sign _ -> {
                    a.vandps(t, x, Literal.bits(0x80000000));
                    a.vorps(t, t, ONE);
                    f.choose(x, t, x, ZERO, NOT_EQUAL_ORDERED, set.vec(4));
                }
                case Pointwise.Relu _ -> f.relu(x);
                case Pointwise.Sigmoid _ -> f.sigmoid(x);
                case Pointwise.Tanh _ -> f.tanh(x);
                case Pointwise.Silu _ -> f.silu(x);
                case Pointwise.Hardswish _ -> hardswish(x, t);
                case Pointwise.RoundTf32 _ -> roundTf32(x);
                default -> throw new AssertionError(op);
            }
        }

        private void hardswish(Vec x, Vec t) {
            a.vaddps(t, x, Literal.of(3));
            a.vmaxps(t, t, ZERO);
            a.vminps(t, t, Literal.of(6));
            a.vmulps(x, x, t);
            a.vmulps(x, x, Literal.of(1 / 6f));
        }

        private void roundTf32(Vec x) {
            Vec t = set.vec(3);
            Vec size = set.vec(4);
            a.vpaddd(t, x, Literal.bits(1 << 12));
            a.vandps(t, t, Literal.bits(-(1 << 13)));
            a.vandps(size, x, Literal.bits(0x7fffffff));
            f.choose(x, t, size, Literal.of(Float.POSITIVE_INFINITY), LESS, set.vec(5));
        }

        private void binary(Pointwise.Binary op, Vec x, Vec y) {
            Vec t = set.vec(3);
            switch (op) {
                case Pointwise.Add _ -> a.vaddps(x, x, y);
                case Pointwise.Sub _ -> a.vsubps(x, x, y);
                case Pointwise.Mul _ -> a.vmulps(x, x, y);
                case Pointwise.Div _ -> a.vdivps(x, x, y);
                case Pointwise.Max _ -> {
                    a.vmaxps(t, x, y); // y if either is NaN
                    f.choose(t, x, x, x, UNORDERED, set.vec(4));
                    a.vmovups(x, t);
                }
                case Pointwise.Min _ -> {
                    a.vminps(t, x, y);
                    f.choose(t, x, x, x, UNORDERED, set.vec(4));
                    a.vmovups(x, t);
                }
                case Pointwise.Greater _ -> truth(x, y, GREATER);
                case Pointwise.Equal _ -> truth(x, y, EQUAL);
                case Pointwise.ReluBackward _ -> f.reluBackward(x, y);
                case Pointwise.SigmoidBackward _ -> {
                    a.constant(t, 1);
                    a.vsubps(t, t, y);
                    a.vmulps(x, x, y);
                    a.vmulps(x, x, t);
                }
                case Pointwise.SiluBackward _ -> f.siluBackward(x, y);
                default -> throw new AssertionError(op);
            }
        }

        private void truth(Vec x, Vec y, int predicate) {
            Vec one = set.vec(3);
            Vec result = set.vec(4);
            a.constant(one, 1);
            a.vxorps(result, result, result);
            f.choose(result, one, x, y, predicate, set.vec(5));
            a.vmovups(x, result);
        }

        private void select(Vec x, Vec y, Vec z) {
            Vec t = set.vec(3);
            a.vmovups(t, z);
            f.choose(t, y, x, ZERO, NOT_EQUAL, set.vec(4));
            a.vmovups(x, t);
        }
    }
}
