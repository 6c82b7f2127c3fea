package dev.jacquard.emulator;

/** Instructions that are executed one after the other, and how they end. */
final class Block {
    final Insn[] code;
    final Flow flow;
    /** The instruction that {@link #flow} was made of, or null. */
    final Insn last;
    /** Index of the block where diverging paths meet again. */
    int join;

    Block(Insn[] code, Flow flow, Insn last) {
        this.code = code;
        this.flow = flow;
        this.last = last;
    }

    /** Blocks that may follow. */
    int[] successors(int index, int count) {
        boolean always = last == null || last.guard < 0;
        return switch (flow) {
            case Flow.Next() -> new int[] {index + 1};
            case Flow.Branch(int target) -> always ? new int[] {target} : new int[] {target, index + 1};
            case Flow.Table(int register, int[] targets) -> targets.clone();
            case Flow.Exit() -> always ? new int[] {count} : new int[] {index + 1, count};
            case Flow.Trap() -> always ? new int[] {count} : new int[] {index + 1, count};
            case Flow.Barrier _ -> new int[] {index + 1};
        };
    }
}
