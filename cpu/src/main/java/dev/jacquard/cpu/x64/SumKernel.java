package dev.jacquard.cpu.x64;

/**
 * Adds arrays that lie one behind the other, in order, into the first. Arguments: the first array, bytes from array to array, number of arrays (at least 1), bytes of each to add, a multiple of a vector's.
 *
 * @param set instruction set
 */
record SumKernel(InstructionSet set) implements Kernel.Spec {
    @Override
    public void emit(Assembler a) {
        Vec sum = set.vec(0);
        Label done = new Label();
        a.test(Gp.RCX, Gp.RCX);
        a.j(Condition.E, done);
        Label next = a.here();
        a.vmovups(sum, Mem.at(Gp.RDI));
        a.mov(Gp.RAX, Gp.RDI);
        a.mov(Gp.R8, Gp.RDX);
        Label last = new Label();
        Label array = a.here();
        a.dec(Gp.R8);
        a.j(Condition.E, last);
        a.add(Gp.RAX, Gp.RSI);
        a.vaddps(sum, sum, Mem.at(Gp.RAX));
        a.jmp(array);
        a.bind(last);
        a.vmovups(Mem.at(Gp.RDI), sum);
        a.add(Gp.RDI, set.bytes());
        a.sub(Gp.RCX, set.bytes());
        a.j(Condition.NE, next);
        a.bind(done);
        a.vzeroupper();
        a.ret();
    }
}
