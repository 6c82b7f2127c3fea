package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Simd;

/**
 * Output pixels from the pixels that a table of taps names, as {@link Simd} describes it. Arguments: taps, table, pixels, step, channels, out, outStep, index.
 *
 * @param set instruction set
 * @param kind what is done with the taps
 */
record WindowCode(InstructionSet set, Kind kind) implements Kernel.Spec {
    /** The methods of {@link Simd}. */
    enum Kind {
        PRODUCTS, SUM, MAX, ROUTE
    }

    private static final int ORDERED = 7;
    private static final int NOT_LESS_OR_EQUAL = 6;
    private static final int EQUAL = 0;
    private static final int MASK = 7;
    private static final Gp TAPS = Gp.RDI;
    private static final Gp TABLE = Gp.RSI;
    private static final Gp PIXELS = Gp.RDX;
    private static final Gp STEP = Gp.RCX;
    private static final Gp CHANNELS = Gp.R8;
    private static final Gp OUT = Gp.R9;
    private static final Gp OUT_STEP = Gp.R10;
    private static final Gp INDEX = Gp.R11;
    private static final Gp SHIFT = Gp.RBX;
    private static final Gp AT = Gp.R12;
    private static final Gp LEFT = Gp.R13;
    private static final Gp ENTRY = Gp.R14;
    private static final Gp SECOND = Gp.R15;
    private static final Gp COUNTER = Gp.RBP;
    private static final Gp FIRST = Gp.RAX;

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        a.mov(OUT_STEP, Mem.at(Gp.RSP, Assembler.argument(6, 0)));
        a.mov(INDEX, Mem.at(Gp.RSP, Assembler.argument(7, 0)));
        Lanes lanes = new Lanes(a, set);
        lanes.remainder(LEFT, CHANNELS);
        lanes.rest(LEFT);
        a.xor(SHIFT, SHIFT);
        Label pixel = a.here();
        a.mov(LEFT, CHANNELS);
        a.xor(AT, AT);
        for (int width : new int[] {4, 1}) {
            Label narrower = new Label();
            Label again = a.here();
            a.cmp(LEFT, width * set.lanes());
            a.j(Condition.L, narrower);
            block(a, lanes, width, false);
            a.add(AT, width * set.bytes());
            a.sub(LEFT, width * set.lanes());
            a.jmp(again);
            a.bind(narrower);
        }
        Label whole = new Label();
        a.test(LEFT, LEFT);
        a.j(Condition.E, whole);
        block(a, lanes, 1, true);
        a.bind(whole);
        a.add(SHIFT, STEP);
        a.add(OUT, OUT_STEP);
        a.add(INDEX, OUT_STEP);
        a.dec(PIXELS);
        a.j(Condition.NE, pixel);
        a.leave(0);
    }

    private Vec best(int i) {
        return set.vec(i);
    }

    private Vec tap(int i) {
        return set.vec(4 + i);
    }

    private void block(Assembler a, Lanes lanes, int width, boolean rest) {
        Label none = new Label();
        a.mov(ENTRY, TABLE);
        a.mov(COUNTER, TAPS);
        for (int i = 0; i < width; i++) {
            if (kind != Kind.MAX) {
                a.vxorps(best(i), best(i), best(i));
            }
        }
        a.test(COUNTER, COUNTER);
        a.j(Condition.E, none);
        if (kind == Kind.MAX) {
            addresses(a);
            for (int i = 0; i < width; i++) {
                lanes.load(best(i), Mem.at(FIRST, AT, 1, i * set.bytes()), rest);
                a.vbroadcastss(tap(i), Mem.at(ENTRY, 16));
            }
            a.add(ENTRY, Simd.TAP_BYTES);
            a.dec(COUNTER);
            a.j(Condition.E, none);
        }
        Label again = a.here();
        addresses(a);
        taps(a, lanes, width, rest);
        a.add(ENTRY, Simd.TAP_BYTES);
        a.dec(COUNTER);
        a.j(Condition.NE, again);
        a.bind(none);
        for (int i = 0; i < width; i++) {
            lanes.store(Mem.at(OUT, AT, 1, i * set.bytes()), best(i), rest);
            if (kind == Kind.MAX) {
                lanes.store(Mem.at(INDEX, AT, 1, i * set.bytes()), tap(i), rest);
            }
        }
    }

    /** Of the entry's pixel, and of its weights or recorded taps. */
    private void addresses(Assembler a) {
        a.mov(FIRST, Mem.at(ENTRY));
        a.add(FIRST, SHIFT);
        if (kind == Kind.PRODUCTS || kind == Kind.ROUTE) {
            a.mov(SECOND, Mem.at(ENTRY, 8));
        }
        if (kind == Kind.ROUTE) {
            a.add(SECOND, SHIFT);
        }
    }

    private void taps(Assembler a, Lanes lanes, int width, boolean rest) {
        Vec number = set.vec(8);
        Vec v = set.vec(9);
        Vec other = set.vec(10);
        Vec scratch = set.vec(11);
        if (kind != Kind.PRODUCTS) {
            a.vbroadcastss(number, Mem.at(ENTRY, 16));
        }
        for (int i = 0; i < width; i++) {
            lanes.load(v, Mem.at(FIRST, AT, 1, i * set.bytes()), rest);
            switch (kind) {
                case SUM -> a.vfmadd231ps(best(i), v, number);
                case PRODUCTS -> {
                    lanes.load(other, Mem.at(SECOND, AT, 1, i * set.bytes()), rest);
                    a.vfmadd231ps(best(i), v, other);
                }
                case ROUTE -> {
                    lanes.load(other, Mem.at(SECOND, AT, 1, i * set.bytes()), rest);
                    route(a, best(i), v, other, number);
                }
                case MAX -> larger(a, i, v, number, other, scratch);
            }
        }
    }

    /** Tap numbers are compared as floats of their bits: equal numbers are equal floats. */
    private void route(Assembler a, Vec sum, Vec v, Vec other, Vec number) {
        if (set == InstructionSet.AVX512) {
            a.vcmpps(MASK, other, number, EQUAL);
            a.vaddps(sum.masked(MASK), sum, v);
        } else {
            a.vcmpps(other, other, number, EQUAL);
            a.vandps(v, v, other);
            a.vaddps(sum, sum, v);
        }
    }

    /** Not (v <= best) is true for NaN as well; a NaN already held is not replaced. */
    private void larger(Assembler a, int i, Vec v, Vec number, Vec held, Vec scratch) {
        if (set == InstructionSet.AVX512) {
            a.vcmpps(MASK, best(i), best(i), ORDERED);
            a.vcmpps(MASK, v.masked(MASK), best(i), NOT_LESS_OR_EQUAL);
            a.vmovups(best(i).masked(MASK), v);
            a.vmovups(tap(i).masked(MASK), number);
        } else {
            a.vcmpps(held, best(i), best(i), ORDERED);
            a.vcmpps(scratch, v, best(i), NOT_LESS_OR_EQUAL);
            a.vandps(scratch, scratch, held);
            a.vblendvps(best(i), best(i), v, scratch);
            a.vblendvps(tap(i), tap(i), number, scratch);
        }
    }
}
