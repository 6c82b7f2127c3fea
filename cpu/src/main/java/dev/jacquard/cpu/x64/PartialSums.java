package dev.jacquard.cpu.x64;

/**
 * Adds up arrays that lie one behind the other, first to last, so that the order of the additions is fixed. Arguments: rdi, where the sums go, which may be the first array; rsi,
 * the first array; rdx, the number of floats.
 *
 * @param set instruction set
 * @param parts number of arrays
 * @param stride bytes from one array to the next
 */
record PartialSums(InstructionSet set, int parts, int stride) implements Kernel.Spec {
    @Override
    public void emit(Assembler e) {
        e.enter(0);
        Label vectors = new Label();
        Label single = new Label();
        Label end = new Label();
        e.bind(vectors);
        e.cmp(Gp.RDX, set.lanes());
        e.j(Condition.L, single);
        add(e, set.vec(0));
        e.vmovups(Mem.at(Gp.RDI), set.vec(0));
        step(e, set.lanes());
        e.jmp(vectors);
        e.bind(single);
        e.test(Gp.RDX, Gp.RDX);
        e.j(Condition.E, end);
        addOne(e);
        e.vmovss(Mem.at(Gp.RDI), Vec.xmm(0));
        step(e, 1);
        e.jmp(single);
        e.bind(end);
        e.leave(0);
    }

    private void add(Assembler e, Vec sum) {
        e.vmovups(sum, Mem.at(Gp.RSI));
        for (int i = 1; i < parts; i++) {
            e.vaddps(sum, sum, Mem.at(Gp.RSI, Math.multiplyExact(i, stride)));
        }
    }

    private void addOne(Assembler e) {
        e.vmovss(Vec.xmm(0), Mem.at(Gp.RSI));
        for (int i = 1; i < parts; i++) {
            e.vmovss(Vec.xmm(1), Mem.at(Gp.RSI, Math.multiplyExact(i, stride)));
            e.vaddps(Vec.xmm(0), Vec.xmm(0), Vec.xmm(1));
        }
    }

    private static void step(Assembler e, int floats) {
        e.add(Gp.RDI, 4 * floats);
        e.add(Gp.RSI, 4 * floats);
        e.sub(Gp.RDX, floats);
    }

    /**
     * The same for arrays that are turned over on the way: element (j, k) of the sums goes to (k, j). Arguments: rdi, where row k of the result begins; rsi, element (0, k) of the
     * first array; rdx, the number of k to do, at least 1.
     *
     * @param set instruction set
     * @param parts number of arrays
     * @param stride bytes from one array to the next
     * @param rows the number of j
     * @param columns the number of k
     */
    record Transposed(InstructionSet set, int parts, int stride, int rows, int columns) implements Kernel.Spec {
        @Override
        public void emit(Assembler e) {
            int frame = set.bytes();
            e.enter(frame);
            Label several = new Label();
            Label single = new Label();
            Label end = new Label();
            e.bind(several);
            e.cmp(Gp.RDX, set.lanes());
            e.j(Condition.L, single);
            rows(e, set.lanes());
            e.jmp(several);
            e.bind(single);
            e.test(Gp.RDX, Gp.RDX);
            e.j(Condition.E, end);
            rows(e, 1);
            e.jmp(single);
            e.bind(end);
            e.leave(frame);
        }

        /** All j of some k: vectors of sums go over the stack, which turns them into single numbers. */
        private void rows(Assembler e, int width) {
            PartialSums sums = new PartialSums(set, parts, stride);
            e.mov(Gp.R8, Gp.RDI);
            e.mov(Gp.R9, Gp.RSI);
            e.mov(Gp.RCX, rows);
            Label next = e.here();
            if (width == 1) {
                sums.addOne(e);
                e.vmovss(Mem.at(Gp.RDI), Vec.xmm(0));
            } else {
                sums.add(e, set.vec(0));
                e.vmovups(Mem.at(Gp.RSP), set.vec(0));
                for (int i = 0; i < width; i++) {
                    e.mov32(Gp.RAX, Mem.at(Gp.RSP, 4 * i));
                    e.mov32(Mem.at(Gp.RDI, 4 * rows * i), Gp.RAX);
                }
            }
            e.add(Gp.RDI, 4);
            e.add(Gp.RSI, 4 * columns);
            e.dec(Gp.RCX);
            e.j(Condition.NE, next);
            e.mov(Gp.RDI, Gp.R8);
            e.mov(Gp.RSI, Gp.R9);
            e.add(Gp.RDI, 4 * rows * width);
            e.add(Gp.RSI, 4 * width);
            e.sub(Gp.RDX, width);
        }
    }
}
