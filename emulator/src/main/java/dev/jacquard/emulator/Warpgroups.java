package dev.jacquard.emulator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Checks that the four warps of a warpgroup execute the same {@code wgmma} instructions, with the same descriptors, one after the other. */
final class Warpgroups {
    private static final int WARPS = 4;

    private record Step(Insn by, long a, long b) {}

    private final List<List<Step>> steps = new ArrayList<>();
    private final int[] at = new int[Mbarrier.WARPS];

    /** A new block. */
    void start() {
        steps.clear();
        Arrays.fill(at, 0);
    }

    /** A warp executes a product. @param a descriptor of A, or 0 */
    void step(Warp w, Insn by, long a, long b) {
        int group = w.index / WARPS;
        while (steps.size() <= group) {
            steps.add(new ArrayList<>());
        }
        List<Step> of = steps.get(group);
        Step mine = new Step(by, a, b);
        if (at[w.index] == of.size()) {
            of.add(mine);
        } else if (!of.get(at[w.index]).equals(mine)) {
            throw new Fault(0, "wgmma: the warps of a warpgroup execute different products: another's is " + of.get(at[w.index]).by.source);
        }
        at[w.index]++;
    }

    /** A warp that has executed fewer products than another of its warpgroup, or -1. */
    int behind(int warps) {
        for (int i = 0; i < warps; i++) {
            if (i / WARPS < steps.size() && at[i] < steps.get(i / WARPS).size()) {
                return i;
            }
        }
        return -1;
    }

    /** The first product that such a warp has left out. */
    Insn missed(int warp) {
        return steps.get(warp / WARPS).get(at[warp]).by;
    }
}
