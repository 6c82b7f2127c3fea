package dev.jacquard.emulator;

import dev.jacquard.emulator.ptx.PtxFunction;
import dev.jacquard.emulator.ptx.Space;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A kernel made ready to execute. */
final class Program {
    final PtxFunction function;
    final Block[] blocks;
    /** Registers by index: a shared array for a constant, else null. */
    final int[][] narrow;
    final long[][] wide;
    final int predicates;
    /** Indexes of registers that hold special values, by name such as {@code %tid.x}. */
    final Map<String, Integer> specials;
    /** Offset of each parameter in the parameter block. */
    final int[] parameterOffsets;
    final int[] parameterSizes;
    final int parameterBytes;
    final int sharedBytes;
    final int localBytes;
    /** Bytes of the narrowest access that may touch shared memory. */
    final int narrowestShared;
    /** Bytes of the narrowest access that may touch global memory. */
    final int narrowestGlobal;
    int maxDynamicShared = 48 * 1024;
    /** Grid, block and dynamic shared memory that the idle warps' special registers were set for, and how many of them. */
    int[] lastShape;
    int lastWarps;
    /** Whether there are products of warpgroups, whose registers are watched. */
    private final boolean watched;
    /** Registers of the block's index. */
    final int[] blockIndex;
    /** Warps that earlier launches left. */
    final List<Warp> idle = new ArrayList<>();

    Program(PtxFunction function, Block[] blocks, Registers registers, int[] parameterOffsets, int[] parameterSizes, int parameterBytes, int sharedBytes, int localBytes) {
        this.function = function;
        this.blocks = blocks;
        narrow = registers.narrow();
        wide = registers.wide();
        predicates = registers.predicates() + 1;
        specials = registers.specials();
        this.parameterOffsets = parameterOffsets;
        this.parameterSizes = parameterSizes;
        this.parameterBytes = parameterBytes;
        this.sharedBytes = sharedBytes;
        this.localBytes = localBytes;
        blockIndex = new int[] {specials.getOrDefault("%ctaid.x", -1), specials.getOrDefault("%ctaid.y", -1), specials.getOrDefault("%ctaid.z", -1)};
        watched = Arrays.stream(blocks).flatMap(b -> Arrays.stream(b.code)).anyMatch(i -> i.source.opcode().equals("wgmma"));
        narrowestShared = narrowest(Space.SHARED);
        narrowestGlobal = narrowest(Space.GLOBAL);
    }

    private int narrowest(Space space) {
        return Arrays.stream(blocks).flatMap(b -> Arrays.stream(b.code)).flatMap(i -> Arrays.stream(i.accesses()))
                .filter(a -> a.space == space || a.space == Space.GENERIC).mapToInt(a -> a.bytes).min().orElse(4);
    }

    Warp warp(Machine machine, int index) {
        int[][] r = new int[narrow.length][];
        for (int i = 0; i < r.length; i++) {
            r[i] = narrow[i] != null ? narrow[i] : new int[Warp.LANES];
        }
        long[][] q = new long[wide.length][];
        for (int i = 0; i < q.length; i++) {
            q[i] = wide[i] != null ? wide[i] : new long[Warp.LANES];
        }
        return new Warp(machine, index, r, q, new int[predicates], localBytes, watched);
    }
}
