package dev.jacquard.cpu.x64;

/**
 * Memory at {@code base + index * scale + displacement}.
 *
 * @param base register
 * @param index register, not rsp; null for none
 * @param scale 1, 2, 4 or 8
 * @param displacement bytes
 * @param broadcast whether one 4-byte element is read for all (AVX-512)
 * @param mask 1 to 7: of a store, only elements whose bit is set in k{@code mask} are written; 0: all
 */
record Mem(Gp base, Gp index, int scale, int displacement, boolean broadcast, int mask) implements Operand {
    static Mem at(Gp base) {
        return at(base, 0);
    }

    static Mem at(Gp base, int displacement) {
        return new Mem(base, null, 1, displacement, false, 0);
    }

    static Mem at(Gp base, Gp index, int scale, int displacement) {
        return new Mem(base, index, scale, displacement, false, 0);
    }

    /** One element of it for all of a vector. */
    Mem broadcast(boolean on) {
        return new Mem(base, index, scale, displacement, on, mask);
    }

    /** A store's destination under a mask. */
    Mem masked(int k) {
        return new Mem(base, index, scale, displacement, broadcast, k);
    }

    /** Memory some bytes further. */
    Mem plus(int bytes) {
        return new Mem(base, index, scale, displacement + bytes, broadcast, mask);
    }
}
