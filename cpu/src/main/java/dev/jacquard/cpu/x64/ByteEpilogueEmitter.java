package dev.jacquard.cpu.x64;

/** Writes what {@link ByteTiles} does to the sums of a tile, and their stores. General registers of rows are free. */
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
    private final Vec[] spare;

    ByteEpilogueEmitter(Assembler a, ByteTiles t, int rows, int vectors, int channels) {
        this.a = a;
        this.e = t.epilogue();
        this.set = t.dot().set();
        this.wide = set == InstructionSet.AVX512;
        this.lanes = set.lanes();
        this.pitch = t.pitch();
        this.scaleLanes = t.vectors() * lanes;
        this.rows = rows;
        this.vectors = vectors;
        this.channels = channels;
        int free = t.dot().rows() * t.dot().vectors();
        this.spare = new Vec[] {set.vec(free), set.vec(free + 1), set.vec(free + 2)};
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
                activate(v);
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

    /** Activation; for bytes also what makes NaN 0 and keeps large values out of the conversion, which has only one answer for all that it cannot convert: the most negative number, right for those alone. */
    private void activate(Vec v) {
        if (e.relu() && e.bytes()) {
            a.vmaxps(v, v, Mem.at(HEADER, ByteHeader.ZERO)); // the second operand where the first is NaN
        } else if (e.relu()) {
            a.vxorps(spare[1], spare[1], spare[1]);
            a.vmaxps(v, spare[1], v);
        } else if (e.bytes() && wide) {
            a.vcmpps(NUMBERS, v, v, ORDERED);
        } else if (e.bytes()) {
            a.vcmpps(spare[1], v, v, ORDERED);
            a.vandps(v, v, spare[1]);
        }
        if (e.bytes()) {
            a.vminps(v, v, Mem.at(HEADER, ByteHeader.LARGEST));
            a.vcvtps2dq(wide && !e.relu() ? v.zeroed(NUMBERS) : v, v);
        }
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
        a.vpermd(first, spare[0], first);
        Mem at = Mem.at(Gp.RDX, i * pitch);
        if (wide) {
            if (channels == 64) {
                a.vmovdqu(at, first);
            } else {
                a.vmovdqu8(at.masked(BYTES_MASK), first);
            }
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
