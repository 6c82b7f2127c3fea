package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.backend.CodeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What this processor has and the operating system lets programs use, as {@code cpuid} and {@code xgetbv} tell.
 *
 * @param avx2 AVX2, FMA and F16C, with 256-bit registers kept by the system
 * @param avx512 AVX-512 F, BW, DQ and VL, with 512-bit registers kept by the system
 * @param vnni 8-bit dot products on 512 bits (AVX512_VNNI)
 * @param avxVnni the same on 256 bits in VEX (AVX_VNNI)
 */
record CpuFeatures(boolean avx2, boolean avx512, boolean vnni, boolean avxVnni) {
    private static volatile CpuFeatures here;

    /** This machine's. @throws CodeMemory.Refused where no emitted code can run, {@code cpuid} included */
    static CpuFeatures get() {
        CpuFeatures known = here;
        if (known == null) {
            known = read();
            here = known;
        }
        return known;
    }

    /** Leaf in rdi, sub-leaf in rsi, eax to edx to rdx. */
    private record Cpuid() implements Kernel.Spec {
        @Override
        public void emit(Assembler a) {
            a.push(Gp.RBX);
            a.mov(Gp.R8, Gp.RDX);
            a.mov(Gp.RAX, Gp.RDI);
            a.mov(Gp.RCX, Gp.RSI);
            a.cpuid();
            a.mov32(Mem.at(Gp.R8), Gp.RAX);
            a.mov32(Mem.at(Gp.R8, 4), Gp.RBX);
            a.mov32(Mem.at(Gp.R8, 8), Gp.RCX);
            a.mov32(Mem.at(Gp.R8, 12), Gp.RDX);
            a.pop(Gp.RBX);
            a.ret();
        }
    }

    /** Which registers the system keeps, to rdi. */
    private record Xgetbv() implements Kernel.Spec {
        @Override
        public void emit(Assembler a) {
            a.mov(Gp.RCX, 0);
            a.xgetbv();
            a.mov32(Mem.at(Gp.RDI), Gp.RAX);
            a.ret();
        }
    }

    private static CpuFeatures read() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment words = arena.allocate(16, 8);
            int highest = leaf(words, 0, 0)[0];
            int[] one = leaf(words, 1, 0);
            // OSXSAVE: without it xgetbv is not an instruction.
            if (highest < 7 || !bit(one[2], 27)) {
                return new CpuFeatures(false, false, false, false);
            }
            int[] seven = leaf(words, 7, 0);
            int[] more = seven[0] >= 1 ? leaf(words, 7, 1) : new int[4];
            Kernel.of(new Xgetbv()).run(words.address(), 0, 0, 0, 0, 0);
            int kept = words.get(ValueLayout.JAVA_INT, 0);
            boolean avx2 = (kept & 6) == 6 && bit(one[2], 28) && bit(one[2], 12) && bit(one[2], 29) && bit(seven[1], 5);
            boolean avx512 = avx2 && (kept & 0xe6) == 0xe6 && bit(seven[1], 16) && bit(seven[1], 17) && bit(seven[1], 30) && bit(seven[1], 31);
            return new CpuFeatures(avx2, avx512, avx512 && bit(seven[2], 11), avx2 && bit(more[0], 4));
        }
    }

    private static int[] leaf(MemorySegment words, long leaf, long sub) {
        Kernel.of(new Cpuid()).run(leaf, sub, words.address(), 0, 0, 0);
        return words.toArray(ValueLayout.JAVA_INT);
    }

    private static boolean bit(int word, int n) {
        return (word >> n & 1) != 0;
    }

    /** Whether kernels of an instruction set run here. */
    boolean has(InstructionSet set) {
        return switch (set) {
            case AVX2 -> avx2;
            case AVX512 -> avx512;
        };
    }
}
