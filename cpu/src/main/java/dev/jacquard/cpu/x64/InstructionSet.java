package dev.jacquard.cpu.x64;

/** What emitted kernels may use; each has all of the ones before it. */
public enum InstructionSet {
    /** AVX2, FMA, F16C: sixteen registers of 256 bits. */
    AVX2(256, 16),
    /** AVX-512 F, BW, DQ, VL: thirty-two registers of 512 bits, masks. */
    AVX512(512, 32);

    private final int bits;
    private final int registers;

    InstructionSet(int bits, int registers) {
        this.bits = bits;
        this.registers = registers;
    }

    /** As people write it. */
    public String label() {
        return this == AVX2 ? "AVX2" : "AVX-512";
    }

    /** Bits of a vector. */
    int bits() {
        return bits;
    }

    /** Bytes of a vector. */
    int bytes() {
        return bits / 8;
    }

    /** Floats of a vector. */
    int lanes() {
        return bits / 32;
    }

    /** Vectors that so many floats take, the last of which may be a part of one. */
    int vectors(int floats) {
        return Math.ceilDiv(floats, lanes());
    }

    /** Number of vector registers. */
    int registers() {
        return registers;
    }

    /** A vector register at full width. */
    Vec vec(int number) {
        return new Vec(number, bits, 0, false);
    }
}
