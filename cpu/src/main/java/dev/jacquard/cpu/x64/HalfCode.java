package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.DType;

/**
 * Halves to floats, exactly, and floats to halves, rounded to nearest, ties to even. Arguments: n, from, to.
 *
 * @param set instruction set
 * @param half F16 or BF16
 * @param widens whether halves become floats
 */
record HalfCode(InstructionSet set, DType half, boolean widens) implements Kernel.Spec {
    private static final int NEAREST = 0;
    private static final int UNORDERED = 3;
    private static final int MASK = 1;
    private static final Gp N = Gp.RDI;
    private static final Gp FROM = Gp.RSI;
    private static final Gp TO = Gp.RDX;
    private static final Gp WORD = Gp.RAX;

    @Override
    public void emit(Assembler a) {
        Label rest = new Label();
        Label done = new Label();
        a.sub(N, set.lanes());
        a.j(Condition.L, rest);
        a.align(32);
        Label again = a.here();
        vector(a, false);
        a.add(FROM, (widens ? 2 : 4) * set.lanes());
        a.add(TO, (widens ? 4 : 2) * set.lanes());
        a.sub(N, set.lanes());
        a.j(Condition.GE, again);
        a.bind(rest);
        a.add(N, set.lanes());
        a.j(Condition.E, done);
        if (set == InstructionSet.AVX512) {
            new Lanes(a, set).rest(N);
            vector(a, true);
        } else {
            Label each = a.here();
            element(a);
            a.add(FROM, widens ? 2 : 4);
            a.add(TO, widens ? 4 : 2);
            a.dec(N);
            a.j(Condition.NE, each);
        }
        a.bind(done);
        a.vzeroupper();
        a.ret();
    }

    private void vector(Assembler a, boolean rest) {
        Vec v = set.vec(0);
        Vec to = rest ? v.zeroed(MASK) : v;
        if (widens) {
            if (half == DType.F16) {
                a.vcvtph2ps(to, Mem.at(FROM));
            } else {
                a.vpmovzxwd(to, Mem.at(FROM));
                a.vpslld(v, v, 16);
            }
            a.vmovups(rest ? Mem.at(TO).masked(MASK) : Mem.at(TO), v);
            return;
        }
        a.vmovups(to, Mem.at(FROM));
        if (half == DType.F16) {
            a.vcvtps2ph(rest ? Mem.at(TO).masked(MASK) : Mem.at(TO), v, NEAREST);
            return;
        }
        round(a, v);
        if (set == InstructionSet.AVX512) {
            a.vpmovdw(rest ? Mem.at(TO).masked(MASK) : Mem.at(TO), v);
        } else {
            a.vpackusdw(v, v, v);
            a.vpermq(v, v, 0x08);
            a.vmovups(Mem.at(TO), v.as(128));
        }
    }

    /** v becomes the bits of its bfloat16; a NaN keeps its upper payload and becomes quiet. */
    private void round(Assembler a, Vec v) {
        Vec t = set.vec(1);
        Vec quiet = set.vec(2);
        a.vpsrld(t, v, 16);
        a.vandps(t, t, Literal.bits(1));
        a.vpaddd(t, t, v);
        a.vpaddd(t, t, Literal.bits(0x7fff));
        a.vorps(quiet, v, Literal.bits(0x400000));
        new Activations(a, set).choose(t, quiet, v, v, UNORDERED, set.vec(3));
        a.vpsrld(v, t, 16);
    }

    /** One of the last, for which AVX2 has no mask. */
    private void element(Assembler a) {
        Vec v = Vec.xmm(0);
        if (widens) {
            a.movzxWord(WORD, Mem.at(FROM));
            if (half == DType.F16) {
                a.vmovd(v, WORD);
                a.vcvtph2ps(v, v);
            } else {
                a.shl(WORD, 16);
                a.vmovd(v, WORD);
            }
            a.vmovss(Mem.at(TO), v);
            return;
        }
        a.vmovss(v, Mem.at(FROM));
        if (half == DType.F16) {
            a.vcvtps2ph(v, v, NEAREST);
        } else {
            round(a, set.vec(0));
        }
        a.vmovd(WORD, v);
        a.mov16(Mem.at(TO), WORD);
    }
}
