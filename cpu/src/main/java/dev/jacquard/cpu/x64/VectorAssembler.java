package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.EngineBugException;

/**
 * The vector instructions, in Intel's names and order of operands. A destination may carry a mask ({@link Vec#masked}, {@link Mem#masked}), a source in memory may be one element
 * for all.
 */
abstract class VectorAssembler extends Encoder {
    private static final Code LOAD = Code.of(NP, 1, 0x10);
    private static final Code STORE = Code.of(NP, 1, 0x11);
    private static final Code LOAD_INT = Code.of(PF3, 1, 0x6f);
    private static final Code STORE_INT = Code.of(PF3, 1, 0x7f);
    private static final Code STREAM = Code.of(NP, 1, 0x2b);
    private static final Code VADDPS = Code.of(NP, 1, 0x58);
    private static final Code VMULPS = Code.of(NP, 1, 0x59);
    private static final Code VSUBPS = Code.of(NP, 1, 0x5c);
    private static final Code VMINPS = Code.of(NP, 1, 0x5d);
    private static final Code VDIVPS = Code.of(NP, 1, 0x5e);
    private static final Code VMAXPS = Code.of(NP, 1, 0x5f);
    private static final Code VANDPS = Code.of(NP, 1, 0x54);
    private static final Code VORPS = Code.of(NP, 1, 0x56);
    private static final Code VXORPS = Code.of(NP, 1, 0x57);
    private static final Code VUNPCKLPS = Code.of(NP, 1, 0x14);
    private static final Code VUNPCKHPS = Code.of(NP, 1, 0x15);
    private static final Code VFMADD132PS = Code.of(P66, 2, 0x98);
    private static final Code VFMADD213PS = Code.of(P66, 2, 0xa8);
    private static final Code VFMADD231PS = Code.of(P66, 2, 0xb8);
    private static final Code VFNMADD231PS = Code.of(P66, 2, 0xbc);
    private static final Code VPERMPS = Code.of(P66, 2, 0x16);
    private static final Code VPERMI2PS = Code.of(P66, 2, 0x77).evexOnly();
    private static final Code VPERMILPS = Code.of(P66, 3, 0x04);
    private static final Code VPADDD = Code.of(P66, 1, 0xfe);
    private static final Code VPSUBD = Code.of(P66, 1, 0xfa);
    private static final Code VPMADDWD = Code.of(P66, 1, 0xf5);
    private static final Code VSCALEFPS = Code.of(P66, 2, 0x2c).evexOnly();
    private static final Code VPDPBUSD = Code.of(P66, 2, 0x50);
    private static final Code VPXORD = Code.of(P66, 1, 0xef).evexOnly();
    private static final Code VPXOR = Code.of(P66, 1, 0xef);
    private static final Code VSHUFPS = Code.of(NP, 1, 0xc6);
    private static final Code VPERM2F128 = Code.of(P66, 3, 0x06);
    private static final Code VSQRTPS = Code.of(NP, 1, 0x51);
    private static final Code VCVTDQ2PS = Code.of(NP, 1, 0x5b);
    private static final Code VCVTPS2DQ = Code.of(P66, 1, 0x5b);
    private static final Code VBROADCASTSS = Code.of(P66, 2, 0x18).tuple(Tuple.SCALAR);
    private static final Code VPBROADCASTD = Code.of(P66, 2, 0x58).tuple(Tuple.SCALAR);
    private static final Code VPMOVSXBD = Code.of(P66, 2, 0x21).tuple(Tuple.QUARTER);
    private static final Code VPMOVZXBW = Code.of(P66, 2, 0x30).tuple(Tuple.HALF);
    private static final Code VPMOVSXBW = Code.of(P66, 2, 0x20).tuple(Tuple.HALF);
    private static final Code VPMOVZXWD = Code.of(P66, 2, 0x33).tuple(Tuple.HALF);
    private static final Code VCVTPH2PS = Code.of(P66, 2, 0x13).tuple(Tuple.HALF);
    private static final Code VRNDSCALEPS = Code.of(P66, 3, 0x08).evexOnly();
    private static final Code VREDUCEPS = Code.of(P66, 3, 0x56).evexOnly();
    private static final Code VCVTPS2PH = Code.of(P66, 3, 0x1d).tuple(Tuple.HALF);
    private static final Code MASKED_LOAD = Code.of(P66, 2, 0x2c);
    private static final Code MASKED_STORE = Code.of(P66, 2, 0x2e);
    private static final Code GREATER_INTEGERS = Code.of(P66, 1, 0x66);
    private static final Code NARROW_INTEGERS = Code.of(PF3, 2, 0x33).tuple(Tuple.HALF).evexOnly();
    private static final Code VPACKUSDW = Code.of(P66, 2, 0x2b);
    private static final Code VPERMQ = Code.of(P66, 3, 0x00).wide();
    private static final Code LOAD_ONE = Code.of(PF3, 1, 0x10).tuple(Tuple.SCALAR);
    private static final Code STORE_ONE = Code.of(PF3, 1, 0x11).tuple(Tuple.SCALAR);
    private static final Code COMPARE = Code.of(NP, 1, 0xc2);
    private static final Code BLEND = Code.of(P66, 3, 0x4a);
    private static final Code SHIFT = Code.of(P66, 1, 0x72);
    private static final Code FROM_GENERAL = Code.of(P66, 1, 0x6e);
    private static final Code TO_GENERAL = Code.of(P66, 1, 0x7e);
    private static final Code EXTRACT = Code.of(P66, 3, 0x19);
    private static final Code EXTRACT_HALF = Code.of(P66, 3, 0x1b).tuple(Tuple.TWO_LANES).evexWide().evexOnly();
    private static final Code VPACKSSDW = Code.of(P66, 1, 0x6b);
    private static final Code VPACKSSWB = Code.of(P66, 1, 0x63);
    private static final Code VPUNPCKLBW = Code.of(P66, 1, 0x60);
    private static final Code VPUNPCKHBW = Code.of(P66, 1, 0x68);
    private static final Code VPUNPCKLWD = Code.of(P66, 1, 0x61);
    private static final Code VPUNPCKHWD = Code.of(P66, 1, 0x69);
    private static final Code VPERMD = Code.of(P66, 2, 0x36);
    private static final Code VPMAXSB = Code.of(P66, 2, 0x3c);
    private static final Code VPHADDD = Code.of(P66, 2, 0x02);
    private static final Code STORE_BYTES = Code.of(PF2, 1, 0x7f).evexOnly();

    private void three(Code c, Vec to, Vec a, Operand b) {
        vector(c, to.number(), a.number(), b, to.bits(), to.mask(), to.zeroing());
    }

    private void two(Code c, Vec to, Operand from) {
        vector(c, to.number(), 0, from, to.bits(), to.mask(), to.zeroing());
    }

    private void store(Code c, Mem to, Vec from) {
        vector(c, from.number(), 0, to, from.bits(), to.mask(), false);
    }

    void vmovups(Vec to, Operand from) {
        two(LOAD, to, from);
    }

    void vmovups(Mem to, Vec from) {
        store(STORE, to, from);
    }

    void vmovdqu(Vec to, Operand from) {
        two(LOAD_INT, to, from);
    }

    void vmovdqu(Mem to, Vec from) {
        store(STORE_INT, to, from);
    }

    void vmovntps(Mem to, Vec from) {
        store(STREAM, to, from);
    }

    void vaddps(Vec to, Vec a, Operand b) {
        three(VADDPS, to, a, b);
    }

    /** The sum rounded towards negative infinity (AVX-512). */
    void vaddpsDown(Vec to, Vec a, Vec b) {
        roundingDown(VADDPS, to.number(), a.number(), b);
    }

    void vmulps(Vec to, Vec a, Operand b) {
        three(VMULPS, to, a, b);
    }

    void vsubps(Vec to, Vec a, Operand b) {
        three(VSUBPS, to, a, b);
    }

    void vminps(Vec to, Vec a, Operand b) {
        three(VMINPS, to, a, b);
    }

    void vdivps(Vec to, Vec a, Operand b) {
        three(VDIVPS, to, a, b);
    }

    void vmaxps(Vec to, Vec a, Operand b) {
        three(VMAXPS, to, a, b);
    }

    void vandps(Vec to, Vec a, Operand b) {
        three(VANDPS, to, a, b);
    }

    void vorps(Vec to, Vec a, Operand b) {
        three(VORPS, to, a, b);
    }

    void vxorps(Vec to, Vec a, Operand b) {
        three(VXORPS, to, a, b);
    }

    void vunpcklps(Vec to, Vec a, Operand b) {
        three(VUNPCKLPS, to, a, b);
    }

    void vunpckhps(Vec to, Vec a, Operand b) {
        three(VUNPCKHPS, to, a, b);
    }

    void vfmadd132ps(Vec to, Vec a, Operand b) {
        three(VFMADD132PS, to, a, b);
    }

    void vfmadd213ps(Vec to, Vec a, Operand b) {
        three(VFMADD213PS, to, a, b);
    }

    void vfmadd231ps(Vec to, Vec a, Operand b) {
        three(VFMADD231PS, to, a, b);
    }

    void vfnmadd231ps(Vec to, Vec a, Operand b) {
        three(VFNMADD231PS, to, a, b);
    }

    void vpermps(Vec to, Vec a, Operand b) {
        three(VPERMPS, to, a, b);
    }

    /** In place of indices, of which the lowest bits count, the elements of a and b that they mean (AVX-512). */
    void vpermi2ps(Vec indices, Vec a, Operand b) {
        three(VPERMI2PS, indices, a, b);
    }

    /** Rearranges within 128 bits: two bits of the immediate per element. */
    void vpermilps(Vec to, Operand from, int immediate) {
        two(VPERMILPS, to, from);
        put(immediate);
    }

    void vpaddd(Vec to, Vec a, Operand b) {
        three(VPADDD, to, a, b);
    }

    void vpsubd(Vec to, Vec a, Operand b) {
        three(VPSUBD, to, a, b);
    }

    void vpmaddwd(Vec to, Vec a, Operand b) {
        three(VPMADDWD, to, a, b);
    }

    void vscalefps(Vec to, Vec a, Operand b) {
        three(VSCALEFPS, to, a, b);
    }

    /** Adds to 32-bit sums the products of four unsigned bytes of a and signed bytes of b. 256 bits: AVX-VNNI, 512 bits: AVX512_VNNI. */
    void vpdpbusd(Vec to, Vec a, Operand b) {
        three(VPDPBUSD, to, a, b);
    }

    void vpxord(Vec to, Vec a, Operand b) {
        three(VPXORD, to, a, b);
    }

    void vpxor(Vec to, Vec a, Operand b) {
        three(VPXOR, to, a, b);
    }

    void vshufps(Vec to, Vec a, Operand b, int immediate) {
        three(VSHUFPS, to, a, b);
        put(immediate);
    }

    void vperm2f128(Vec to, Vec a, Operand b, int immediate) {
        three(VPERM2F128, to, a, b);
        put(immediate);
    }

    void vsqrtps(Vec to, Operand from) {
        two(VSQRTPS, to, from);
    }

    void vcvtdq2ps(Vec to, Operand from) {
        two(VCVTDQ2PS, to, from);
    }

    void vcvtps2dq(Vec to, Operand from) {
        two(VCVTPS2DQ, to, from);
    }

    void vbroadcastss(Vec to, Operand from) {
        two(VBROADCASTSS, to, from);
    }

    void vpbroadcastd(Vec to, Operand from) {
        two(VPBROADCASTD, to, from);
    }

    void vpmovsxbd(Vec to, Operand from) {
        two(VPMOVSXBD, to, from);
    }

    void vpmovzxbw(Vec to, Operand from) {
        two(VPMOVZXBW, to, from);
    }

    void vpmovsxbw(Vec to, Operand from) {
        two(VPMOVSXBW, to, from);
    }

    void vpmovzxwd(Vec to, Operand from) {
        two(VPMOVZXWD, to, from);
    }

    void vcvtph2ps(Vec to, Operand from) {
        two(VCVTPH2PS, to, from);
    }

    void vrndscaleps(Vec to, Operand from, int immediate) {
        two(VRNDSCALEPS, to, from);
        put(immediate);
    }

    /** What rounding to a number of binary places leaves (AVX-512). @param immediate places in the upper four bits; 9: rounding down */
    void vreduceps(Vec to, Operand from, int immediate) {
        two(VREDUCEPS, to, from);
        put(immediate);
    }

    void vcvtps2ph(Mem to, Vec from, int immediate) {
        store(VCVTPS2PH, to, from);
        put(immediate);
    }

    /** Into the lower half of a register. */
    void vcvtps2ph(Vec to, Vec from, int immediate) {
        vector(VCVTPS2PH, from.number(), 0, to, from.bits(), 0, false);
        put(immediate);
    }

    /** The first element as the lower 32 bits of a general register. */
    void vmovd(Gp to, Vec from) {
        vector(TO_GENERAL, from.number(), 0, Vec.xmm(to.ordinal()), 128, 0, false);
    }

    /** Reads the elements whose sign bit is set in a mask in a register, zeros elsewhere (AVX2). */
    void vmaskmovps(Vec to, Vec mask, Mem from) {
        three(MASKED_LOAD, to, mask, from);
    }

    /** Writes the elements whose sign bit is set in a mask in a register (AVX2). */
    void vmaskmovps(Mem to, Vec mask, Vec from) {
        vector(MASKED_STORE, from.number(), mask.number(), to, from.bits(), 0, false);
    }

    /** Loads one element, the rest becomes zero. */
    void vmovss(Vec to, Mem from) {
        two(LOAD_ONE, to.as(128), from);
    }

    /** Stores the first element. */
    void vmovss(Mem to, Vec from) {
        store(STORE_ONE, to, from.as(128));
    }

    /** Compares into a vector of all ones and zeros (AVX). @param predicate as the manual lists them: 1 less, 2 less or equal, 3 unordered, 13 greater or equal, 14 greater */
    void vcmpps(Vec to, Vec a, Operand b, int predicate) {
        three(COMPARE, to, a, b);
        put(predicate);
    }

    /** Compares into a mask register (AVX-512). */
    void vcmpps(int k, Vec a, Operand b, int predicate) {
        evexCompare(k, a, b);
        put(predicate);
    }

    private void evexCompare(int k, Vec a, Operand b) {
        vector(COMPARE.evexOnly(), k, a.number(), b, a.bits(), a.mask(), false);
    }

    /** Compares signed integers into a vector of all ones and zeros (AVX2). */
    void vpcmpgtd(Vec to, Vec a, Operand b) {
        three(GREATER_INTEGERS, to, a, b);
    }

    /** Compares signed integers into a mask register (AVX-512). */
    void vpcmpgtd(int k, Vec a, Operand b) {
        vector(GREATER_INTEGERS.evexOnly(), k, a.number(), b, a.bits(), a.mask(), false);
    }

    /** Stores the lower 16 bits of each element (AVX-512). */
    void vpmovdw(Mem to, Vec from) {
        store(NARROW_INTEGERS, to, from);
    }

    void vpackusdw(Vec to, Vec a, Operand b) {
        three(VPACKUSDW, to, a, b);
    }

    void vpermq(Vec to, Operand from, int immediate) {
        two(VPERMQ, to, from);
        put(immediate);
    }

    /** Of a and b, by the sign bits of a mask: b where set (AVX). */
    void vblendvps(Vec to, Vec a, Operand b, Vec mask) {
        three(BLEND, to, a, b);
        put(mask.number() << 4);
    }

    void vpslld(Vec to, Vec from, int bits) {
        shift(6, to, from, bits);
    }

    void vpsrld(Vec to, Vec from, int bits) {
        shift(2, to, from, bits);
    }

    void vpsrad(Vec to, Vec from, int bits) {
        shift(4, to, from, bits);
    }

    private void shift(int kind, Vec to, Vec from, int bits) {
        vector(SHIFT, kind, to.number(), from, to.bits(), to.mask(), to.zeroing());
        put(bits);
    }

    /** The lower 32 bits of a general register as the first element. */
    void vmovd(Vec to, Gp from) {
        vector(FROM_GENERAL, to.number(), 0, Vec.xmm(from.ordinal()), 128, 0, false);
    }

    /** The upper half of 256 bits. */
    void vextractf128(Vec to, Vec from, int lane) {
        extract(EXTRACT, to, from, lane);
    }

    /** 256 of 512 bits. */
    void vextractf64x4(Vec to, Vec from, int half) {
        extract(EXTRACT_HALF, to, from, half);
    }

    private void extract(Code c, Vec to, Vec from, int which) {
        if (from.bits() <= to.bits()) {
            throw new EngineBugException("assembler", "extracts nothing", from + " to " + to, "a narrower destination", "report this");
        }
        vector(c, from.number(), 0, to, from.bits(), to.mask(), to.zeroing());
        put(which);
    }

    void vpackssdw(Vec to, Vec a, Operand b) {
        three(VPACKSSDW, to, a, b);
    }

    void vpacksswb(Vec to, Vec a, Operand b) {
        three(VPACKSSWB, to, a, b);
    }

    void vpunpcklbw(Vec to, Vec a, Operand b) {
        three(VPUNPCKLBW, to, a, b);
    }

    void vpunpckhbw(Vec to, Vec a, Operand b) {
        three(VPUNPCKHBW, to, a, b);
    }

    void vpunpcklwd(Vec to, Vec a, Operand b) {
        three(VPUNPCKLWD, to, a, b);
    }

    void vpunpckhwd(Vec to, Vec a, Operand b) {
        three(VPUNPCKHWD, to, a, b);
    }

    /** Elements of {@code from} at the indices of a register, across lanes. */
    void vpermd(Vec to, Vec indices, Operand from) {
        three(VPERMD, to, indices, from);
    }

    void vpmaxsb(Vec to, Vec a, Operand b) {
        three(VPMAXSB, to, a, b);
    }

    void vphaddd(Vec to, Vec a, Operand b) {
        three(VPHADDD, to, a, b);
    }

    /** Stores bytes, under a mask of bytes (AVX-512). */
    void vmovdqu8(Mem to, Vec from) {
        store(STORE_BYTES, to, from);
    }

    void vzeroupper() {
        put(0xc5);
        put(0xf8);
        put(0x77);
    }
}
