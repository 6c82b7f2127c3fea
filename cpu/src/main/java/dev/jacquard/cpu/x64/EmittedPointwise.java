package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.PointwiseLoop;
import dev.jacquard.tensor.op.Pointwise;

/** A pointwise op as emitted loops: one for each way in which operands can be numbers for all elements, emitted when first asked for. */
final class EmittedPointwise implements PointwiseLoop {
    private final Pointwise op;
    private final InstructionSet set;
    private final Kernel[] bySteps = new Kernel[8];
    private final int operands;

    /** @param op one that {@link PointwiseCode#has} */
    EmittedPointwise(Pointwise op, InstructionSet set) {
        this.op = op;
        this.set = set;
        operands = (1 << op.arity()) - 1;
    }

    private static final EmittedPointwise[] ADD = {new EmittedPointwise(new Pointwise.Add(), InstructionSet.AVX2),
            new EmittedPointwise(new Pointwise.Add(), InstructionSet.AVX512)};

    /** The sum of two. */
    static EmittedPointwise add(InstructionSet set) {
        return ADD[set.ordinal()];
    }

    @Override
    public void run(long a, long aStep, long b, long bStep, long c, long cStep, long out, long n) {
        int each = (int) (aStep | bStep << 1 | cStep << 2) & operands;
        Kernel k = bySteps[each];
        if (k == null) {
            k = Kernel.of(new PointwiseCode(set, op, each));
            bySteps[each] = k;
        }
        k.run(a, b, c, out, n, 0);
    }
}
