package dev.jacquard.cpu.x64;


/**
 * Copies rows of an image's signed bytes to padded rows of unsigned ones: sign bits are turned, padding is what 0 becomes, 128. Arguments: the first row, or 0 for rows of nothing
 * but padding; where to; number
 * of rows, at least 1; bytes from a row to the next; {@link ByteHeader}. Up to a vector is written behind the last row.
 *
 * @param set instructions
 * @param bytes of a row
 * @param left padding before it
 * @param pitch bytes of a padded row
 */
record FlipRows(InstructionSet set, int bytes, int left, int pitch) implements Kernel.Spec {
    private static final Gp FROM = Gp.RDI;
    private static final Gp TO = Gp.RSI;
    private static final Gp ROWS = Gp.RDX;
    private static final Gp STRIDE = Gp.RCX;
    private static final Gp HEADER = Gp.R8;
    private static final Gp AT = Gp.RAX;

    @Override
    public void emit(Assembler a) {
        Label blank = new Label();
        a.vmovdqu(flip(), Mem.at(HEADER, ByteHeader.FLIP));
        a.test(FROM, FROM);
        a.j(Condition.E, blank);
        Label row = a.here();
        pad(a, 0, left);
        copy(a);
        pad(a, left + bytes, pitch);
        a.add(FROM, STRIDE);
        a.add(TO, pitch);
        a.dec(ROWS);
        a.j(Condition.NE, row);
        a.vzeroupper();
        a.ret();
        a.bind(blank);
        a.imul(ROWS, ROWS, pitch);
        a.add(ROWS, TO);
        Label more = a.here();
        a.vmovups(Mem.at(TO), flip());
        a.add(TO, set.bytes());
        a.cmp(TO, ROWS);
        a.j(Condition.B, more);
        a.vzeroupper();
        a.ret();
    }

    private Vec flip() {
        return set.vec(0);
    }

    /** Padding in part of a row; what it writes beyond is written again. */
    private void pad(Assembler a, int from, int to) {
        if (to - from > 8 * set.bytes()) {
            a.mov(AT, from);
            Label more = a.here();
            a.vmovups(Mem.at(TO, AT, 1, 0), flip());
            a.add(AT, set.bytes());
            a.cmp(AT, to);
            a.j(Condition.B, more);
        } else {
            for (int i = from; i < to; i += set.bytes()) {
                a.vmovups(Mem.at(TO, i), flip());
            }
        }
    }

    private void copy(Assembler a) {
        int vector = set.bytes();
        if (bytes < vector) {
            small(a);
            return;
        }
        int whole = bytes / vector;
        if (whole > 4) {
            a.mov(AT, 0);
            Label more = a.here();
            one(a, Mem.at(FROM, AT, 1, 0), Mem.at(TO, AT, 1, left));
            a.add(AT, vector);
            a.cmp(AT, whole * vector);
            a.j(Condition.B, more);
        } else {
            for (int i = 0; i < whole; i++) {
                one(a, Mem.at(FROM, i * vector), Mem.at(TO, left + i * vector));
            }
        }
        if (bytes % vector > 0) {
            one(a, Mem.at(FROM, bytes - vector), Mem.at(TO, left + bytes - vector));
        }
    }

    private void one(Assembler a, Mem from, Mem to) {
        Vec v = set.vec(1);
        if (set == InstructionSet.AVX512) {
            a.vpxord(v, flip(), from);
        } else {
            a.vpxor(v, flip(), from);
        }
        a.vmovups(to, v);
    }

    /** A row shorter than a vector is copied as it is first: the source must not be read beyond its end. */
    private void small(Assembler a) {
        int done = 0;
        for (; done + 8 <= bytes; done += 8) {
            a.mov(AT, Mem.at(FROM, done));
            a.mov(Mem.at(TO, left + done), AT);
        }
        for (; done < bytes; done++) {
            a.movzxByte(AT, Mem.at(FROM, done));
            a.mov8(Mem.at(TO, left + done), AT);
        }
        one(a, Mem.at(TO, left), Mem.at(TO, left));
    }
}
