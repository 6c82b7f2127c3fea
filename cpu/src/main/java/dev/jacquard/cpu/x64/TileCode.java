package dev.jacquard.cpu.x64;

/**
 * A tile of a matrix product, as {@link dev.jacquard.cpu.Simd#tile} describes it: what portable drivers of products run on. Arguments: k, a, aRow, aStep, b, bStep, c, cRow,
 * accumulate (0 or 1), columns.
 *
 * @param set instruction set
 * @param rows 1 to 6
 * @param vectors 1 to 4: columns, in vectors, the last of which may be cut short
 */
record TileCode(InstructionSet set, int rows, int vectors) implements Kernel.Spec {
    private static final Gp K = Gp.RDI;
    private static final Gp A = Gp.RSI;
    private static final Gp A_ROW = Gp.RDX;
    private static final Gp A_STEP = Gp.RCX;
    private static final Gp B = Gp.R8;
    private static final Gp B_STEP = Gp.R9;
    private static final Gp C = Gp.R10;
    private static final Gp C_ROW = Gp.R11;
    private static final Gp ACCUMULATE = Gp.RBX;
    private static final Gp LEFT = Gp.RAX;
    private static final Gp AT_A = Gp.R12;
    private static final Gp LOWER = Gp.R13;
    private static final Gp AT_B = Gp.R14;
    private static final Gp COUNTER = Gp.RBP;

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        a.mov(C, Mem.at(Gp.RSP, Assembler.argument(6, 0)));
        a.mov(C_ROW, Mem.at(Gp.RSP, Assembler.argument(7, 0)));
        a.mov(ACCUMULATE, Mem.at(Gp.RSP, Assembler.argument(8, 0)));
        a.mov(LEFT, Mem.at(Gp.RSP, Assembler.argument(9, 0)));
        Lanes lanes = new Lanes(a, set);
        a.sub(LEFT, (vectors - 1) * set.lanes());
        lanes.rest(LEFT);
        int atOnce = set == InstructionSet.AVX512 ? 4 : 2;
        for (int v = 0; v < vectors; v += atOnce) {
            int width = Math.min(atOnce, vectors - v);
            part(a, lanes, v * set.bytes(), width, v + width == vectors);
        }
        a.leave(0);
    }

    private Vec sum(int i, int j) {
        return set.vec(set == InstructionSet.AVX512 ? 6 + 4 * i + j : 2 + 2 * i + j);
    }

    /** Sums are registers 6 and on with AVX-512, 2 to 13 with AVX2, whose one temporary is then the vector before the mask. */
    private void part(Assembler a, Lanes lanes, int at, int width, boolean last) {
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < width; j++) {
                a.vxorps(sum(i, j), sum(i, j), sum(i, j));
            }
        }
        Label empty = new Label();
        a.mov(AT_A, A);
        a.lea(LOWER, Mem.at(A, A_ROW, 2, 0));
        a.add(LOWER, A_ROW);
        a.lea(AT_B, Mem.at(B, at));
        a.mov(COUNTER, K);
        a.test(COUNTER, COUNTER);
        a.j(Condition.E, empty);
        a.align(32);
        Label again = a.here();
        Vec one = set.vec(set == InstructionSet.AVX512 ? 4 : 14);
        for (int j = 0; j < width; j++) {
            a.vmovups(set.vec(j), Mem.at(AT_B, j * set.bytes()));
        }
        for (int i = 0; i < rows; i++) {
            a.vbroadcastss(one, i % 3 == 0 ? Mem.at(i < 3 ? AT_A : LOWER) : Mem.at(i < 3 ? AT_A : LOWER, A_ROW, i % 3, 0));
            for (int j = 0; j < width; j++) {
                a.vfmadd231ps(sum(i, j), one, set.vec(j));
            }
        }
        a.add(AT_A, A_STEP);
        a.add(LOWER, A_STEP);
        a.add(AT_B, B_STEP);
        a.dec(COUNTER);
        a.j(Condition.NE, again);
        a.bind(empty);
        store(a, lanes, at, width, last);
    }

    private void store(Assembler a, Lanes lanes, int at, int width, boolean last) {
        Label plain = new Label();
        a.test(ACCUMULATE, ACCUMULATE);
        a.j(Condition.E, plain);
        a.mov(AT_A, C);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < width; j++) {
                lanes.load(set.vec(0), Mem.at(AT_A, at + j * set.bytes()), last && j == width - 1);
                a.vaddps(sum(i, j), sum(i, j), set.vec(0));
            }
            a.add(AT_A, C_ROW);
        }
        a.bind(plain);
        a.mov(AT_A, C);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < width; j++) {
                lanes.store(Mem.at(AT_A, at + j * set.bytes()), sum(i, j), last && j == width - 1);
            }
            a.add(AT_A, C_ROW);
        }
    }
}
