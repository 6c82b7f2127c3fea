package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.op.Nonlinearity;

/** Writes what 8-bit kernels do to the sums of a tile, and their stores. Overwrites rax, rbx and r10; rdx is where results go, rcx where the residual is. */
final class ByteEpilogueEmitter {
    private static final Gp HEADER = Gp.RAX;
    private static final Gp SCALES = Gp.R10;
    private static final Gp BYTES = Gp.RBX; // its lowest byte has a name in every encoding
    private static final int ORDERED = 7;
    private static final int NUMBERS = 2;
    private static final int BYTES_MASK = 1;
    private static final int LANES_MASK = 3;

    private final Assembler a;
    private final ByteEpilogue e;
    private final InstructionSet set;
    private final boolean wide;
    private final int lanes;
    private final int pitch;
    private final int scaleLanes;
    private final int rows;
    private final int vectors;
    private final int channels;
    private final boolean ordered;
    private final Vec[] spare;
    private final Activations activations;

    /**
     * @param pitch channels from a pixel's results to the next one's
     * @param scaleLanes channels of a full panel: shifts lie behind so many scales
     * @param channels of this panel
     * @param free the first of three registers that hold no sums
     * @param ordered whether vectors hold channels in order; else, within four vectors, in the order that packing undoes
     */
    ByteEpilogueEmitter(Assembler a, InstructionSet set, ByteEpilogue epilogue, int pitch, int scaleLanes, int rows, int vectors, int channels, int free, boolean ordered) {
        this.a = a;
        this.e = epilogue;
        this.set = set;
        this.wide = set == InstructionSet.AVX512;
        this.lanes = set.lanes();
        this.pitch = pitch;
        this.scaleLanes = scaleLanes;
        this.rows = rows;
        this.vectors = vectors;
        this.channels = channels;
        this.ordered = ordered;
        this.spare = new Vec[] {set.vec(free), set.vec(free + 1), set.vec(free + 2)};
        this.activations = new Activations(a, set, spare);
    }

    /** @param header where the header's address lies @param scales where that of the panel's scales does @param scratch 64 bytes of the stack */
    void emit(Mem header, Mem scales, Mem scratch) {
        a.mov(HEADER, header);
        a.mov(SCALES, scales);
        for (int j = 0; j < vectors; j++) {
            a.vmovups(spare[0], Mem.at(SCALES, 4 * j * lanes));
            for (int i = 0; i < rows; i++) {
                Vec v = sum(i, j);
                a.vcvtdq2ps(v, v);
                a.vfmadd213ps(v, spare[0], Mem.at(SCALES, 4 * (scaleLanes + j * lanes)));
                if (e.residual()) {
                    residual(v, i, j, scratch);
                }
            }
            for (int i = 0; i < rows; i++) {
                activate(sum(i, j));
            }
        }
        if (e.bytes()) {
            a.vmovdqu(spare[0], Mem.at(HEADER, ByteHeader.ORDER));
            for (int i = 0; i < rows; i++) {
                storeBytes(i, scratch);
            }
        } else {
            storeFloats();
        }
    }

    private Vec sum(int i, int j) {
        return set.vec(i * vectors + j);
    }

    /** Channels of vector j. */
    private int width(int j) {
        return Math.min(lanes, channels - j * lanes);
    }

    private void residual(Vec v, int i, int j, Mem scratch) {
        Mem at = Mem.at(Gp.RCX, i * pitch + j * lanes);
        Vec r = spare[1];
        if (width(j) == lanes) {
            a.vpmovsxbd(r, at);
        } else if (wide) {
            a.vpmovsxbd(r.zeroed(LANES_MASK), at);
        } else {
            copyBytes(scratch, at, width(j));
            a.vpmovsxbd(r, scratch);
        }
        a.vcvtdq2ps(r, r);
        a.vfmadd231ps(v, r, Mem.at(HEADER, ByteHeader.RESIDUAL));
    }

    /**
     * Activation and conversion. The conversion to integers has one answer for NaN and all that is too large, the most negative number: large values are kept out of it. NaN is to
     * become 0 as a byte: ReLU, which comes
     * after the packing and for four vectors at once, does that by itself.
     */
    private void activate(Vec v) {
        if (!e.bytes()) {
            activations.apply(e.activation(), v);
            return;
        }
        boolean relu = e.activation() == Nonlinearity.RELU;
        boolean masked = wide && !relu;
        if (!relu) {
            activations.apply(e.activation(), v);
            if (wide) {
                a.vcmpps(NUMBERS, v, v, ORDERED);
            } else {
                a.vcmpps(spare[1], v, v, ORDERED);
                a.vandps(v, v, spare[1]);
            }
        }
        a.vmovups(spare[2], Mem.at(HEADER, ByteHeader.LARGEST));
        a.vminps(v, spare[2], v); // of a NaN and a number the second operand
        a.vcvtps2dq(masked ? v.zeroed(NUMBERS) : v, v);
    }

    private void storeBytes(int i, Mem scratch) {
        Vec first = sum(i, 0);
        a.vpackssdw(first, first, vectors > 1 ? sum(i, 1) : first);
        Vec second = first;
        if (vectors > 2) {
            second = sum(i, 2);
            a.vpackssdw(second, second, sum(i, vectors - 1));
        }
        a.vpacksswb(first, first, second);
        if (ordered) {
            a.vpermd(first, spare[0], first);
        }
        if (e.activation() == Nonlinearity.RELU) {
            a.vpmaxsb(first, first, Mem.at(HEADER, ByteHeader.ZERO));
        }
        Mem at = Mem.at(Gp.RDX, i * pitch);
        if (channels == set.bytes()) {
            a.vmovdqu(at, first);
        } else if (wide) {
            a.vmovdqu8(at.masked(BYTES_MASK), first);
        } else if (channels == 16) {
            a.vmovdqu(at, first.as(128));
        } else {
            a.vmovdqu(scratch, first);
            copyBytes(at, scratch, channels);
        }
    }

    /** A few bytes through a general register. */
    private void copyBytes(Mem to, Mem from, int bytes) {
        int done = 0;
        for (; done + 8 <= bytes; done += 8) {
            a.mov(BYTES, from.plus(done));
            a.mov(to.plus(done), BYTES);
        }
        if (done + 4 <= bytes) {
            a.mov32(BYTES, from.plus(done));
            a.mov32(to.plus(done), BYTES);
            done += 4;
        }
        for (; done < bytes; done++) {
            a.movzxByte(BYTES, from.plus(done));
            a.mov8(to.plus(done), BYTES);
        }
    }

    private void storeFloats() {
        if (!wide && width(vectors - 1) < lanes) {
            a.vmovdqu(spare[0], Mem.at(HEADER, ByteHeader.TAIL));
        }
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < vectors; j++) {
                Mem at = Mem.at(Gp.RDX, 4 * (i * pitch + j * lanes));
                if (width(j) == lanes) {
                    a.vmovups(at, sum(i, j));
                } else if (wide) {
                    a.vmovups(at.masked(LANES_MASK), sum(i, j));
                } else {
                    a.vmaskmovps(at, spare[0], sum(i, j));
                }
            }
        }
    }
}
