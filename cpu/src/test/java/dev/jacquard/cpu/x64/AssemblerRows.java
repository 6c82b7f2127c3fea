package dev.jacquard.cpu.x64;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/** Instructions as the GNU assembler reads them (Intel syntax), and as {@link Assembler} is asked for them: each with operands that need every bit of every prefix. */
final class AssemblerRows {
    record Row(String text, Consumer<Assembler> code) {}

    private interface Three {
        void apply(Assembler a, Vec to, Vec first, Operand second);
    }

    private interface Two {
        void apply(Assembler a, Vec to, Operand from);
    }

    private interface Store {
        void apply(Assembler a, Mem to, Vec from);
    }

    private final List<Row> rows = new ArrayList<>();

    static List<Row> all() {
        AssemblerRows r = new AssemblerRows();
        r.integers();
        r.moves();
        r.arithmetic();
        r.bytes();
        r.packing();
        r.conversions();
        r.permutations();
        r.masks();
        return List.copyOf(r.rows);
    }

    private void row(String text, Consumer<Assembler> code) {
        rows.add(new Row(text, code));
    }

    private static String name(Gp r) {
        return r.name().toLowerCase(Locale.ROOT);
    }

    private static String text(Operand o, String size) {
        return switch (o) {
            case Vec v -> (v.bits() == 512 ? "zmm" : v.bits() == 256 ? "ymm" : "xmm") + v.number() + mask(v.mask()) + (v.zeroing() ? "{z}" : "");
            case Mem m -> (m.broadcast() ? "dword" : size) + " ptr [" + name(m.base()) + (m.index() == null ? "" : "+" + name(m.index()) + "*" + m.scale())
                    + (m.displacement() == 0 ? "" : String.format(Locale.ROOT, "%+d", m.displacement())) + "]" + mask(m.mask());
            case Literal l -> throw new AssertionError(l);
        };
    }

    private static String mask(int k) {
        return k == 0 ? "" : "{k" + k + "}";
    }

    private static String whole(int bits) {
        return bits == 512 ? "zmmword" : bits == 256 ? "ymmword" : bits == 128 ? "xmmword" : bits == 64 ? "qword" : "dword";
    }

    /** Broadcasts are written behind the operand: {@code dword ptr [rax]{1to16}}. */
    private static String text(Operand o, int bits, int vector) {
        return text(o, whole(bits)) + (o instanceof Mem m && m.broadcast() ? "{1to" + vector / 32 + "}" : "");
    }

    private static List<Mem> memories(int bytes) {
        return List.of(Mem.at(Gp.RAX), Mem.at(Gp.RBP), Mem.at(Gp.RSP, 8), Mem.at(Gp.R12), Mem.at(Gp.R13), Mem.at(Gp.RDI, bytes), Mem.at(Gp.R9, 127 * bytes),
                Mem.at(Gp.R8, -128 * bytes), Mem.at(Gp.RSI, 128 * bytes),
                Mem.at(Gp.RDX, 4), Mem.at(Gp.RBX, Gp.RCX, 4, 0), Mem.at(Gp.R15, Gp.R14, 8, bytes), Mem.at(Gp.RBP, Gp.R12, 1, 0), Mem.at(Gp.RAX, Gp.RBP, 2, 1000));
    }

    /** A row of three operands at every kind of register and memory. @param avx2 whether it is in VEX, too */
    private void three(String name, boolean avx2, Three code) {
        three(name, avx2, true, true, "", code);
    }

    private void three(String name, boolean avx2, boolean avx512, boolean broadcast, String tail, Three code) {
        List<Integer> widths = avx2 && avx512 ? List.of(256, 512) : avx512 ? List.of(512) : List.of(256);
        for (int bits : widths) {
            int top = bits == 512 ? 31 : 15;
            Vec a = new Vec(1, bits, 0, false);
            Vec b = new Vec(top - 2, bits, 0, false);
            Vec c = new Vec(top, bits, 0, false);
            for (Vec[] v : new Vec[][] {{a, a, a}, {a, b, a}, {c, a, b}, {b, c, c}}) {
                row(name + " " + text(v[0], 0, 0) + ", " + text(v[1], 0, 0) + ", " + text(v[2], 0, 0) + tail, s -> code.apply(s, v[0], v[1], v[2]));
            }
            for (Mem m : memories(bits / 8)) {
                row(name + " " + text(c, 0, 0) + ", " + text(a, 0, 0) + ", " + text(m, bits, bits) + tail, s -> code.apply(s, c, a, m));
            }
            if (bits == 512 && broadcast) {
                for (Mem plain : memories(4)) {
                    Mem m = plain.broadcast(true);
                    row(name + " " + text(a, 0, 0) + ", " + text(b, 0, 0) + ", " + text(m, 32, bits) + tail, s -> code.apply(s, a, b, m));
                }
            }
            if (bits == 512) {
                Vec masked = b.masked(3);
                Vec zeroed = c.zeroed(7);
                row(name + " " + text(masked, 0, 0) + ", " + text(a, 0, 0) + ", " + text(c, 0, 0) + tail, s -> code.apply(s, masked, a, c));
                row(name + " " + text(zeroed, 0, 0) + ", " + text(a, 0, 0) + ", " + text(c, 0, 0) + tail, s -> code.apply(s, zeroed, a, c));
            }
        }
    }

    /** A row of two operands; memory is a share of the vector. */
    private void two(String name, boolean avx2, boolean avx512, int share, boolean fromRegister, String tail, Two code) {
        List<Integer> widths = avx2 && avx512 ? List.of(256, 512) : avx512 ? List.of(512) : List.of(256);
        for (int bits : widths) {
            int top = bits == 512 ? 31 : 15;
            Vec a = new Vec(1, bits, 0, false);
            Vec c = new Vec(top, bits, 0, false);
            int memory = share > 0 ? bits / share : -share;
            if (fromRegister) {
                Vec from = new Vec(top - 1, share > 0 && memory >= 128 ? memory : 128, 0, false);
                row(name + " " + text(c, 0, 0) + ", " + text(from, 0, 0) + tail, s -> code.apply(s, c, from));
                row(name + " " + text(a, 0, 0) + ", " + text(from, 0, 0) + tail, s -> code.apply(s, a, from));
            }
            for (Mem m : memories(memory / 8)) {
                row(name + " " + text(c, 0, 0) + ", " + text(m, memory, bits) + tail, s -> code.apply(s, c, m));
            }
            if (bits == 512) {
                Vec zeroed = c.zeroed(2);
                row(name + " " + text(zeroed, 0, 0) + ", " + text(Mem.at(Gp.RAX), memory, bits) + tail, s -> code.apply(s, zeroed, Mem.at(Gp.RAX)));
            }
        }
    }

    private void stores(String name, int share, String tail, boolean masks, Store code) {
        for (int bits : List.of(256, 512)) {
            Vec c = new Vec(bits == 512 ? 31 : 15, bits, 0, false);
            for (Mem m : memories(bits / share / 8)) {
                row(name + " " + text(m, bits / share, bits) + ", " + text(c, 0, 0) + tail, s -> code.apply(s, m, c));
            }
            if (bits == 512 && masks) {
                Mem m = Mem.at(Gp.R11, 64 / share).masked(5);
                row(name + " " + text(m, bits / share, bits) + ", " + text(c, 0, 0) + tail, s -> code.apply(s, m, c));
            }
        }
    }

    private void integers() {
        for (Gp r : Gp.values()) {
            String n = name(r);
            row("push " + n, a -> a.push(r));
            row("pop " + n, a -> a.pop(r));
            row("mov " + n + ", r10", a -> a.mov(r, Gp.R10));
            row("mov rbx, " + n, a -> a.mov(Gp.RBX, r));
            row("add " + n + ", 100", a -> a.add(r, 100));
            row("add " + n + ", 1000", a -> a.add(r, 1000));
            row("sub " + n + ", rdi", a -> a.sub(r, Gp.RDI));
            row("sub " + n + ", 72", a -> a.sub(r, 72));
            row("sub " + n + ", 4096", a -> a.sub(r, 4096));
            row("imul r9, " + n + ", 24", a -> a.imul(Gp.R9, r, 24));
            row("imul " + n + ", r13, 240", a -> a.imul(r, Gp.R13, 240));
            row("shl " + n + ", 4", a -> a.shl(r, 4));
            row("shr " + n + ", 63", a -> a.shr(r, 63));
            row("inc " + n, a -> a.inc(r));
            row("dec " + n, a -> a.dec(r));
            row("cmp " + n + ", -5", a -> a.cmp(r, -5));
            row("and " + n + ", -64", a -> a.and(r, -64));
            row("cmovl " + n + ", r11", a -> a.cmov(Condition.L, r, Gp.R11));
            row("test " + n + ", " + n, a -> a.test(r, r));
            row("xor " + n + ", " + n, a -> a.xor(r, r));
            row("mov " + n + ", -1", a -> a.mov(r, -1));
            row("movabs " + n + ", 81985529216486895", a -> a.mov(r, 81985529216486895L));
        }
        row("mov eax, 305419896", a -> a.mov(Gp.RAX, 0x12345678));
        row("mov r12d, 7", a -> a.mov(Gp.R12, 7));
        for (Mem m : memories(8)) {
            String t = text(m, "qword");
            row("mov rdx, " + t, a -> a.mov(Gp.RDX, m));
            row("mov " + t + ", r11", a -> a.mov(m, Gp.R11));
            row("lea r8, " + t, a -> a.lea(Gp.R8, m));
            row("add rcx, " + t, a -> a.add(Gp.RCX, m));
                row("cmp rsi, " + t, a -> a.cmp(Gp.RSI, m));
                row("mov r9d, " + text(m, "dword"), a -> a.mov32(Gp.R9, m));
            row("mov " + text(m, "dword") + ", ecx", a -> a.mov32(m, Gp.RCX));
            row("movsxd r9, " + text(m, "dword"), a -> a.movsxd(Gp.R9, m));
            row("movzx rcx, " + text(m, "byte"), a -> a.movzxByte(Gp.RCX, m));
            row("movzx r10, " + text(m, "word"), a -> a.movzxWord(Gp.R10, m));
            row("mov " + text(m, "word") + ", r9w", a -> a.mov16(m, Gp.R9));
            row("prefetcht0 " + text(m, "byte"), a -> a.prefetcht0(m));
            row("prefetcht1 " + text(m, "byte"), a -> a.prefetcht1(m));
                row("prefetchw " + text(m, "byte"), a -> a.prefetchw(m));
        }
        row("cmp rdi, r15", a -> a.cmp(Gp.RDI, Gp.R15));
        row("add r15, rdi", a -> a.add(Gp.R15, Gp.RDI));
        row("cpuid", Assembler::cpuid);
        row("xgetbv", Assembler::xgetbv);
        row("sfence", Assembler::sfence);
        row("ret", Assembler::ret);
        row("vzeroupper", Assembler::vzeroupper);
        row("kmovw k1, eax", a -> a.kmov(1, Gp.RAX, 16));
        row("kmovw k7, r9d", a -> a.kmov(7, Gp.R9, 16));
        row("kmovd k3, r15d", a -> a.kmov(3, Gp.R15, 32));
        row("kmovd k3, edx", a -> a.kmov(3, Gp.RDX, 32));
        row("kmovq k2, rcx", a -> a.kmov(2, Gp.RCX, 64));
        row("kmovq k2, r8", a -> a.kmov(2, Gp.R8, 64));
    }

    private void moves() {
        two("vmovups", true, true, 1, false, "", Assembler::vmovups);
        stores("vmovups", 1, "", true, Assembler::vmovups);
        two("vmovdqu", true, false, 1, false, "", Assembler::vmovdqu);
        two("vmovdqu32", false, true, 1, false, "", Assembler::vmovdqu);
        row("vmovdqu ymmword ptr [rax+32], ymm12", a -> a.vmovdqu(Mem.at(Gp.RAX, 32), Vec.ymm(12)));
        row("vmovdqu32 zmmword ptr [rax+64]{k1}, zmm12", a -> a.vmovdqu(Mem.at(Gp.RAX, 64).masked(1), Vec.zmm(12)));
        stores("vmovntps", 1, "", false, Assembler::vmovntps);
        two("vbroadcastss", true, true, -32, true, "", Assembler::vbroadcastss);
        two("vpbroadcastd", true, true, -32, true, "", Assembler::vpbroadcastd);
        for (int n : new int[] {2, 11, 19}) {
            row("vmovss xmm" + n + ", dword ptr [rdi+12]", a -> a.vmovss(Vec.zmm(n), Mem.at(Gp.RDI, 12)));
            row("vmovss dword ptr [r13+4000], xmm" + n, a -> a.vmovss(Mem.at(Gp.R13, 4000), Vec.zmm(n)));
            row("vmovd xmm" + n + ", ecx", a -> a.vmovd(Vec.xmm(n), Gp.RCX));
            row("vmovd xmm" + n + ", r9d", a -> a.vmovd(Vec.xmm(n), Gp.R9));
        }
        row("vmaskmovps ymm3, ymm12, ymmword ptr [rax+32]", a -> a.vmaskmovps(Vec.ymm(3), Vec.ymm(12), Mem.at(Gp.RAX, 32)));
        row("vmaskmovps ymmword ptr [r9+rcx*4], ymm12, ymm3", a -> a.vmaskmovps(Mem.at(Gp.R9, Gp.RCX, 4, 0), Vec.ymm(12), Vec.ymm(3)));
    }

    private void arithmetic() {
        three("vaddps", true, Assembler::vaddps);
        three("vsubps", true, Assembler::vsubps);
        three("vmulps", true, Assembler::vmulps);
        three("vdivps", true, Assembler::vdivps);
        three("vminps", true, Assembler::vminps);
        three("vmaxps", true, Assembler::vmaxps);
        three("vandps", true, Assembler::vandps);
        three("vorps", true, Assembler::vorps);
        three("vxorps", true, Assembler::vxorps);
        three("vfmadd132ps", true, Assembler::vfmadd132ps);
        three("vfmadd213ps", true, Assembler::vfmadd213ps);
        three("vfmadd231ps", true, Assembler::vfmadd231ps);
        three("vfnmadd231ps", true, Assembler::vfnmadd231ps);
        three("vscalefps", false, Assembler::vscalefps);
        three("vpaddd", true, Assembler::vpaddd);
        three("vpsubd", true, Assembler::vpsubd);
        three("vpxor", true, false, false, "", Assembler::vpxor);
        three("vpxord", false, Assembler::vpxord);
        two("vsqrtps", true, true, 1, false, "", Assembler::vsqrtps);
        two("vrndscaleps", false, true, 1, false, ", 3", (a, to, from) -> a.vrndscaleps(to, from, 3));
        two("vreduceps", false, true, 1, true, ", 89", (a, to, from) -> a.vreduceps(to, from, 89));
        row("vaddps zmm1, zmm29, zmm31, {rd-sae}", a -> a.vaddpsDown(Vec.zmm(1), Vec.zmm(29), Vec.zmm(31)));
        row("vaddps zmm31, zmm2, zmm15, {rd-sae}", a -> a.vaddpsDown(Vec.zmm(31), Vec.zmm(2), Vec.zmm(15)));
        for (String shift : List.of("vpslld", "vpsrld", "vpsrad")) {
            for (int bits : new int[] {256, 512}) {
                Vec to = new Vec(9, bits, 0, false);
                Vec from = new Vec(bits == 512 ? 26 : 14, bits, 0, false);
                row(shift + " " + text(to, 0, 0) + ", " + text(from, 0, 0) + ", 23", a -> {
                    switch (shift) {
                        case "vpslld" -> a.vpslld(to, from, 23);
                        case "vpsrld" -> a.vpsrld(to, from, 23);
                        default -> a.vpsrad(to, from, 23);
                    }
                });
            }
        }
    }

    private void bytes() {
        three("vpdpbusd", true, Assembler::vpdpbusd);
        three("vpcmpgtd", true, false, false, "", Assembler::vpcmpgtd);
        three("vpackusdw", true, false, false, "", Assembler::vpackusdw);
        row("vpmovdw ymmword ptr [r9+32], zmm30", a -> a.vpmovdw(Mem.at(Gp.R9, 32), Vec.zmm(30)));
        row("vpmovdw ymmword ptr [r9+40]{k3}, zmm3", a -> a.vpmovdw(Mem.at(Gp.R9, 40).masked(3), Vec.zmm(3)));
        three("vpmaddwd", true, true, false, "", Assembler::vpmaddwd);
    }

    private void packing() {
        three("vpackssdw", true, Assembler::vpackssdw);
        three("vpacksswb", true, true, false, "", Assembler::vpacksswb);
        three("vpunpcklbw", true, true, false, "", Assembler::vpunpcklbw);
        three("vpunpckhbw", true, true, false, "", Assembler::vpunpckhbw);
        three("vpunpcklwd", true, true, false, "", Assembler::vpunpcklwd);
        three("vpunpckhwd", true, true, false, "", Assembler::vpunpckhwd);
        three("vpmaxsb", true, true, false, "", Assembler::vpmaxsb);
        three("vpermd", true, Assembler::vpermd);
        three("vphaddd", true, false, false, "", Assembler::vphaddd);
        row("vpermq ymm1, ymmword ptr [rax+32], 216", a -> a.vpermq(Vec.ymm(1), Mem.at(Gp.RAX, 32), 216));
        row("vmovdqu8 zmmword ptr [r9+65]{k1}, zmm12", a -> a.vmovdqu8(Mem.at(Gp.R9, 65).masked(1), Vec.zmm(12)));
        row("mov word ptr [r9+2], r11w", a -> a.mov16(Mem.at(Gp.R9, 2), Gp.R11));
        row("mov word ptr [rax+1000], cx", a -> a.mov16(Mem.at(Gp.RAX, 1000), Gp.RCX));
        row("mov byte ptr [r9+2], cl", a -> a.mov8(Mem.at(Gp.R9, 2), Gp.RCX));
        row("mov byte ptr [rdi+2000], al", a -> a.mov8(Mem.at(Gp.RDI, 2000), Gp.RAX));
    }

    private void conversions() {
        two("vcvtdq2ps", true, true, 1, false, "", Assembler::vcvtdq2ps);
        two("vcvtps2dq", true, true, 1, false, "", Assembler::vcvtps2dq);
        two("vcvtph2ps", true, true, 2, true, "", Assembler::vcvtph2ps);
        stores("vcvtps2ph", 2, ", 4", true, (a, to, from) -> a.vcvtps2ph(to, from, 4));
        row("vcvtps2ph xmm9, xmm12, 0", a -> a.vcvtps2ph(Vec.xmm(9), Vec.xmm(12), 0));
        row("vmovd r9d, xmm12", a -> a.vmovd(Gp.R9, Vec.xmm(12)));
        row("vmovd eax, xmm3", a -> a.vmovd(Gp.RAX, Vec.xmm(3)));
        row("vmovd ecx, xmm20", a -> a.vmovd(Gp.RCX, Vec.xmm(20)));
        two("vpmovsxbd", true, true, 4, true, "", Assembler::vpmovsxbd);
        two("vpmovzxbw", true, true, 2, true, "", Assembler::vpmovzxbw);
        two("vpmovsxbw", true, true, 2, true, "", Assembler::vpmovsxbw);
        two("vpmovzxwd", true, true, 2, true, "", Assembler::vpmovzxwd);
    }

    private void permutations() {
        three("vunpcklps", true, Assembler::vunpcklps);
        three("vunpckhps", true, Assembler::vunpckhps);
        three("vpermps", true, Assembler::vpermps);
        three("vpermi2ps", false, Assembler::vpermi2ps);
        three("vshufps", true, true, true, ", 78", (a, to, x, y) -> a.vshufps(to, x, y, 78));
        three("vperm2f128", true, false, false, ", 49", (a, to, x, y) -> a.vperm2f128(to, x, y, 49));
        two("vpermilps", true, true, 1, true, ", 85", (a, to, from) -> a.vpermilps(to, from, 85));
        row("vextractf128 xmm9, ymm12, 1", a -> a.vextractf128(Vec.xmm(9), Vec.ymm(12), 1));
        row("vextractf64x4 ymm30, zmm7, 1", a -> a.vextractf64x4(Vec.ymm(30), Vec.zmm(7), 1));
    }

    private void masks() {
        row("vcmpps ymm9, ymm3, ymm12, 14", a -> a.vcmpps(Vec.ymm(9), Vec.ymm(3), Vec.ymm(12), 14));
        row("vcmpps ymm9, ymm3, ymmword ptr [rax+32], 1", a -> a.vcmpps(Vec.ymm(9), Vec.ymm(3), Mem.at(Gp.RAX, 32), 1));
        row("vcmpps k3, zmm19, zmm30, 14", a -> a.vcmpps(3, Vec.zmm(19), Vec.zmm(30), 14));
        row("vcmpps k3{k2}, zmm19, zmmword ptr [rax+64], 2", a -> a.vcmpps(3, Vec.zmm(19).masked(2), Mem.at(Gp.RAX, 64), 2));
        row("vpcmpgtd k3, zmm19, zmm30", a -> a.vpcmpgtd(3, Vec.zmm(19), Vec.zmm(30)));
        row("vpcmpgtd k5, zmm2, dword ptr [rax+4]{1to16}", a -> a.vpcmpgtd(5, Vec.zmm(2), Mem.at(Gp.RAX, 4).broadcast(true)));
        row("vblendvps ymm9, ymm3, ymm12, ymm15", a -> a.vblendvps(Vec.ymm(9), Vec.ymm(3), Vec.ymm(12), Vec.ymm(15)));
    }
}
