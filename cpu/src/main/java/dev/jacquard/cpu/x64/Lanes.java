package dev.jacquard.cpu.x64;

import java.util.List;

/**
 * Loops over elements: whole vectors first, then one under a mask, which reads and writes nothing past the end. The mask is in k1 with AVX-512, in the last vector register with
 * AVX2; the register before that is overwritten when it is made.
 */
final class Lanes {
    private static final int MASK = 1;

    private final Assembler a;
    private final InstructionSet set;

    /** What is done with one vector. */
    @FunctionalInterface
    interface Body {
        /** @param at bytes from where pointers are @param rest whether the vector is the last one, under the mask */
        void emit(int at, boolean rest);
    }

    Lanes(Assembler a, InstructionSet set) {
        this.a = a;
        this.set = set;
    }

    /** The register of AVX2's mask. */
    private Vec mask() {
        return set.vec(set.registers() - 1);
    }

    /** Makes the mask of the first elements. @param count how many, any number from 0 on */
    void rest(Gp count) {
        Vec n = set.vec(set.registers() - 2);
        int[] numbers = new int[set.lanes()];
        java.util.Arrays.setAll(numbers, i -> i);
        a.vmovd(n.as(128), count);
        a.vpbroadcastd(n, n.as(128));
        if (set == InstructionSet.AVX512) {
            a.vpcmpgtd(MASK, n, Literal.each(numbers));
        } else {
            a.vpcmpgtd(mask(), n, Literal.each(numbers));
        }
    }

    /** Reads a vector, of the last one only what is there; the other elements are 0. */
    void load(Vec to, Mem from, boolean rest) {
        if (!rest) {
            a.vmovups(to, from);
        } else if (set == InstructionSet.AVX512) {
            a.vmovups(to.zeroed(MASK), from);
        } else {
            a.vmaskmovps(to, mask(), from);
        }
    }

    /** Writes a vector, of the last one only what is there. */
    void store(Mem to, Vec from, boolean rest) {
        if (!rest) {
            a.vmovups(to, from);
        } else if (set == InstructionSet.AVX512) {
            a.vmovups(to.masked(MASK), from);
        } else {
            a.vmaskmovps(to, mask(), from);
        }
    }

    /** The same; whole vectors go past the caches if asked: {@code to} has to be aligned then. */
    void store(Mem to, Vec from, boolean rest, boolean streams) {
        if (streams && !rest) {
            a.vmovntps(to, from);
        } else {
            store(to, from, rest);
        }
    }

    /** A loop over the elements of rows. @param n their number, overwritten @param unroll vectors at once @param pointers registers that advance by what was done */
    void loop(Gp n, int unroll, List<Gp> pointers, Body body) {
        loop(n, unroll, pointers, true, body);
    }

    /** The same. @param masks whether the mask is made here; else it has been, by {@link #rest} of the number of elements after the last whole vector */
    void loop(Gp n, int unroll, List<Gp> pointers, boolean masks, Body body) {
        int lanes = set.lanes();
        Label single = new Label();
        Label last = new Label();
        Label done = new Label();
        if (unroll > 1) {
            a.sub(n, unroll * lanes);
            a.j(Condition.L, single);
            a.align(32);
            Label many = a.here();
            for (int i = 0; i < unroll; i++) {
                body.emit(i * set.bytes(), false);
            }
            pointers.forEach(p -> a.add(p, unroll * set.bytes()));
            a.sub(n, unroll * lanes);
            a.j(Condition.GE, many);
            a.bind(single);
            a.add(n, unroll * lanes);
        }
        a.sub(n, lanes);
        a.j(Condition.L, last);
        Label each = a.here();
        body.emit(0, false);
        pointers.forEach(p -> a.add(p, set.bytes()));
        a.sub(n, lanes);
        a.j(Condition.GE, each);
        a.bind(last);
        a.add(n, lanes);
        a.j(Condition.E, done);
        if (masks) {
            rest(n);
        }
        body.emit(0, true);
        a.bind(done);
    }

    /** target = n modulo the number of elements of a vector: what {@link #rest} takes before rows of n elements. */
    void remainder(Gp target, Gp n) {
        a.mov(target, n);
        a.and(target, set.lanes() - 1);
    }

    /** The sum of a vector's elements becomes its first one: halves onto halves. @param t overwritten */
    void sum(Vec s, Vec t) {
        if (set == InstructionSet.AVX512) {
            a.vextractf64x4(t.as(256), s, 1);
            a.vaddps(s.as(256), s.as(256), t.as(256));
        }
        a.vextractf128(t.as(128), s.as(256), 1);
        a.vaddps(s.as(128), s.as(128), t.as(128));
        a.vshufps(t.as(128), s.as(128), s.as(128), 0x4e);
        a.vaddps(s.as(128), s.as(128), t.as(128));
        a.vshufps(t.as(128), s.as(128), s.as(128), 0xb1);
        a.vaddps(s.as(128), s.as(128), t.as(128));
    }
}
