package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.op.Update;
import java.util.List;

/**
 * An optimizer's rule over float32, in place. Arguments: the parameter, its two slots, the gradient, n, and the bits of up to four numbers of the step: see {@link EmittedUpdate}.
 *
 * @param set instruction set
 * @param rule not an extended one, without its coefficient
 */
record UpdateCode(InstructionSet set, Update.Rule rule) implements Kernel.Spec {
    private static final Gp W = Gp.RDI;
    private static final Gp FIRST = Gp.RSI;
    private static final Gp SECOND = Gp.RDX;
    private static final Gp G = Gp.RCX;
    private static final Gp N = Gp.R8;

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        a.vmovd(number(0).as(128), Gp.R9);
        a.vpbroadcastd(number(0), number(0).as(128));
        for (int i = 1; i < 4; i++) {
            a.vbroadcastss(number(i), Mem.at(Gp.RSP, Assembler.argument(5 + i, 0)));
        }
        Lanes lanes = new Lanes(a, set);
        lanes.loop(N, 2, List.of(W, FIRST, SECOND, G), (at, rest) -> new Body(a, lanes, at, rest).emit());
        a.leave(0);
    }

    /** A number of the step, in all elements. */
    private Vec number(int i) {
        return set.vec(8 + i);
    }

    /** One vector. */
    private final class Body {
        private final Assembler a;
        private final Lanes lanes;
        private final int at;
        private final boolean rest;
        private final Vec p = set.vec(0);
        private final Vec slope = set.vec(1);
        private final Vec first = set.vec(2);
        private final Vec second = set.vec(3);
        private final Vec t = set.vec(4);
        private final Vec c = set.vec(5);

        Body(Assembler a, Lanes lanes, int at, boolean rest) {
            this.a = a;
            this.lanes = lanes;
            this.at = at;
            this.rest = rest;
        }

        private void load(Vec to, Gp from) {
            lanes.load(to, Mem.at(from, at), rest);
        }

        private void store(Gp to, Vec from) {
            lanes.store(Mem.at(to, at), from, rest);
        }

        void emit() {
            load(p, W);
            load(slope, G);
            switch (rule) {
                case Update.Sgd _ -> {
                    a.vfmadd231ps(slope, p, number(0));
                    a.vfmadd231ps(p, slope, number(1));
                }
                case Update.Average _ -> {
                    a.vmulps(slope, slope, number(1));
                    a.vfmadd213ps(p, number(0), slope);
                }
                case Update.Accumulate _ -> a.vaddps(p, p, slope);
                case Update.SgdMomentum r -> momentum((float) r.momentum());
                case Update.RmsProp r -> rmsProp(r);
                case Update.Adam r -> adam(r);
                case Update.ExtendedUpdate e -> throw new AssertionError(e);
            }
            store(W, p);
        }

        /** The buffer takes pull = slope scale; the parameter moves by byPull pull + bySpeed speed. */
        private void momentum(float momentum) {
            a.vfmadd231ps(slope, p, number(0));
            a.vmulps(slope, slope, number(1));
            load(first, FIRST);
            a.constant(c, momentum);
            a.vfmadd213ps(first, c, slope);
            store(FIRST, first);
            a.vfmadd231ps(p, first, number(3));
            a.vfmadd231ps(p, slope, number(2));
        }

        /** The mean of squares is first, the speed second. */
        private void rmsProp(Update.RmsProp r) {
            a.vfmadd231ps(slope, p, number(0));
            a.vmulps(t, slope, slope);
            a.vmulps(t, t, Literal.of((float) (1 - r.alpha())));
            load(first, FIRST);
            a.constant(c, (float) r.alpha());
            a.vfmadd213ps(first, c, t);
            store(FIRST, first);
            boolean pyTorch = r.form() == Update.RmsProp.Form.PYTORCH;
            if (pyTorch) {
                a.vsqrtps(t, first);
                a.vaddps(t, t, Literal.of((float) r.eps()));
            } else {
                a.vaddps(t, first, Literal.of((float) r.eps()));
                a.vsqrtps(t, t);
                a.vmulps(slope, slope, number(1));
            }
            a.vdivps(slope, slope, t);
            load(second, SECOND);
            a.constant(c, (float) r.momentum());
            a.vfmadd213ps(second, c, slope);
            store(SECOND, second);
            if (pyTorch) {
                a.vfmadd231ps(p, second, number(1));
            } else {
                a.vsubps(p, p, second);
            }
        }

        /** Coupled decay adds to the gradient, decoupled decay takes from the parameter; the other one's factor is 0. */
        private void adam(Update.Adam r) {
            a.vfmadd231ps(slope, p, number(0));
            load(first, FIRST);
            load(second, SECOND);
            a.vmulps(t, slope, slope);
            a.vmulps(t, t, Literal.of((float) (1 - r.beta2())));
            a.constant(c, (float) r.beta2());
            a.vfmadd213ps(second, c, t);
            a.vmulps(t, slope, Literal.of((float) (1 - r.beta1())));
            a.constant(c, (float) r.beta1());
            a.vfmadd213ps(first, c, t);
            store(FIRST, first);
            store(SECOND, second);
            a.vsqrtps(t, second);
            a.constant(c, (float) r.eps());
            a.vfmadd213ps(t, number(3), c);
            a.vdivps(first, first, t);
            a.vfmadd231ps(p, p, number(1));
            a.vfmadd231ps(p, first, number(2));
        }
    }
}
