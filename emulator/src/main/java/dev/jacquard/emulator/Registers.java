package dev.jacquard.emulator;

import dev.jacquard.emulator.ptx.Operand;
import dev.jacquard.emulator.ptx.PtxType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Gives out the indexes of a program's registers, and of the constants and special values that are registers too. */
final class Registers {
    private final List<int[]> narrow = new ArrayList<>();
    private final List<long[]> wide = new ArrayList<>();
    private final Map<Integer, Integer> narrowConstants = new HashMap<>();
    private final Map<Long, Integer> wideConstants = new HashMap<>();
    private final Map<String, Integer> specials = new HashMap<>();
    private int predicates;

    int add(PtxType type) {
        if (type == PtxType.PRED) {
            return predicates++;
        }
        if (type.wide()) {
            wide.add(null);
            return wide.size() - 1;
        }
        narrow.add(null);
        return narrow.size() - 1;
    }

    int constant(int value) {
        return narrowConstants.computeIfAbsent(value, v -> {
            int[] all = new int[Warp.LANES];
            Arrays.fill(all, v);
            narrow.add(all);
            return narrow.size() - 1;
        });
    }

    int wideConstant(long value) {
        return wideConstants.computeIfAbsent(value, v -> {
            long[] all = new long[Warp.LANES];
            Arrays.fill(all, v);
            wide.add(all);
            return wide.size() - 1;
        });
    }

    int special(String name) {
        return specials.computeIfAbsent(name, n -> add(PtxType.B32));
    }

    /** An immediate's bits as an operand of a type. */
    static long bits(Operand.Immediate i, PtxType type) {
        return switch (i.kind()) {
            case 'f' -> type == PtxType.F64 ? Double.doubleToRawLongBits(Float.intBitsToFloat((int) i.bits())) : i.bits();
            case 'd' -> type == PtxType.F32 ? Float.floatToRawIntBits((float) Double.longBitsToDouble(i.bits())) : i.bits();
            default -> type.bytes() == 2 ? i.bits() & 0xffff : i.bits();
        };
    }

    int[][] narrow() {
        return narrow.toArray(int[][]::new);
    }

    long[][] wide() {
        return wide.toArray(long[][]::new);
    }

    int predicates() {
        return predicates;
    }

    Map<String, Integer> specials() {
        return specials;
    }
}
