package dev.jacquard.cpu.x64;

/**
 * A vector register, perhaps under a mask.
 *
 * @param number 0 to 31; from 16 on with AVX-512 only
 * @param bits 128, 256 or 512
 * @param mask 1 to 7: of the destination, only elements whose bit is set in k{@code mask} are written; 0: all
 * @param zeroing whether masked elements become zero instead of staying
 */
record Vec(int number, int bits, int mask, boolean zeroing) implements Operand {
    static Vec xmm(int number) {
        return new Vec(number, 128, 0, false);
    }

    static Vec ymm(int number) {
        return new Vec(number, 256, 0, false);
    }

    static Vec zmm(int number) {
        return new Vec(number, 512, 0, false);
    }

    /** The same register at another width. */
    Vec as(int width) {
        return new Vec(number, width, mask, zeroing);
    }

    /** Elements outside of k{@code k} stay. */
    Vec masked(int k) {
        return new Vec(number, bits, k, false);
    }

    /** Elements outside of k{@code k} become zero. */
    Vec zeroed(int k) {
        return new Vec(number, bits, k, k != 0);
    }

    int bytes() {
        return bits / 8;
    }
}
