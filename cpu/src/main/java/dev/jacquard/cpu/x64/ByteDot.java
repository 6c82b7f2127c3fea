package dev.jacquard.cpu.x64;

/** How four products of unsigned and signed bytes are added to a 32-bit sum, exactly: one instruction where the processor has it. */
enum ByteDot {
    /** AVX512_VNNI, 512 bits. */
    EVEX(InstructionSet.AVX512, 6, 4),
    /** AVX-VNNI, 256 bits. */
    VEX(InstructionSet.AVX2, 6, 2),
    /** AVX2 alone: bytes are widened, and pairs of 16-bit numbers multiplied. ({@code vpmaddubsw} would take bytes, but saturates at 16 bits: 2 x 255 x 127 is beyond.) */
    WORDS(InstructionSet.AVX2, 2, 2);

    private final InstructionSet set;
    private final int rows;
    private final int vectors;

    ByteDot(InstructionSet set, int rows, int vectors) {
        this.set = set;
        this.rows = rows;
        this.vectors = vectors;
    }

    /** The fastest way of this machine among those that an instruction set allows. */
    static ByteDot of(InstructionSet allowed) {
        CpuFeatures here = CpuFeatures.get();
        if (allowed == InstructionSet.AVX512 && here.vnni()) {
            return EVEX;
        }
        return here.avxVnni() ? VEX : WORDS;
    }

    InstructionSet set() {
        return set;
    }

    /** Rows of the largest tile. */
    int rows() {
        return rows;
    }

    /** Vectors of 32-bit sums in a row of the largest tile. */
    int vectors() {
        return vectors;
    }

    int lanes() {
        return set.lanes();
    }
}
