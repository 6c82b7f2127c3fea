package dev.jacquard.cpu.x64;

/**
 * Sums of a gradient that was just stored, of some channels of some pixels, as {@link GradientCode} makes them of gradients in registers; there must be registers for what goes
 * through all pixels. Arguments: first pixel's first channel, that of the images, number of pixels, at least 1, slot of the first vector, its mean.
 *
 * @param set instruction set
 * @param channels how many
 * @param pixelBytes from a pixel to the next
 * @param masks whether images say where the gradient goes on: it is stored again then
 */
record GradientRows(InstructionSet set, int channels, int pixelBytes, boolean masks) implements Kernel.Spec {
    private static final Gp G = Gp.RDI;
    private static final Gp X = Gp.RSI;
    private static final Gp PIXELS = Gp.RDX;
    private static final Gp SLOT = Gp.RCX;
    private static final Gp TABLE = Gp.R8;
    private static final Gp AT_G = Gp.RAX;
    private static final Gp AT_X = Gp.R9;
    private static final Gp LEFT = Gp.R10;

    @Override
    public void emit(Assembler a) {
        int atOnce = set == InstructionSet.AVX512 ? 4 : 2;
        int whole = channels / set.lanes();
        int tail = channels % set.lanes();
        for (int v = 0; v < whole; v += atOnce) {
            vectors(a, v, Math.min(atOnce, whole - v), LaneMask.all(a));
        }
        if (tail > 0) {
            vectors(a, whole, 1, LaneMask.first(a, set, tail, set.vec(set.registers() - 1)));
        }
        a.vzeroupper();
        a.ret();
    }

    /** Of a vector: its mean, scale and shift, then both sums. */
    private Vec of(int v, int which) {
        return set.vec(3 + 5 * v + which);
    }

    private void vectors(Assembler a, int first, int count, LaneMask mask) {
        for (int v = 0; v < count; v++) {
            for (int which = 0; which < (masks ? 3 : 1); which++) {
                a.vmovups(of(v, which), Mem.at(TABLE, (first + v) * GradientTable.bytes(set) + which * set.bytes()));
            }
            a.vxorps(of(v, 3), of(v, 3), of(v, 3));
            a.vxorps(of(v, 4), of(v, 4), of(v, 4));
        }
        a.mov(AT_G, G);
        a.mov(AT_X, X);
        a.mov(LEFT, PIXELS);
        a.align(32);
        Label next = a.here();
        for (int v = 0; v < count; v++) {
            pixel(a, v, (first + v) * set.bytes(), mask);
        }
        a.add(AT_G, pixelBytes);
        a.add(AT_X, pixelBytes);
        a.dec(LEFT);
        a.j(Condition.NE, next);
        for (int v = 0; v < count; v++) {
            for (int which = 0; which < 2; which++) {
                Mem slot = Mem.at(SLOT, (first + v) * GradientCode.slotBytes(set) + which * set.bytes());
                a.vmovups(slot, of(v, 3 + which));
            }
        }
    }

    private void pixel(Assembler a, int v, int at, LaneMask mask) {
        Vec x = set.vec(0);
        Vec g = set.vec(1);
        Vec other = set.vec(2);
        mask.load(x, Mem.at(AT_X, at));
        mask.load(g, Mem.at(AT_G, at));
        a.vsubps(x, x, of(v, 0));
        if (masks) {
            a.vmovups(other, of(v, 2));
            a.vfmadd231ps(other, x, of(v, 1));
            new Activations(a, set, other).reluBackward(g, other);
            mask.store(Mem.at(AT_G, at), g);
        }
        a.vaddps(of(v, 3), of(v, 3), g);
        a.vfmadd231ps(of(v, 4), g, x);
    }
}
