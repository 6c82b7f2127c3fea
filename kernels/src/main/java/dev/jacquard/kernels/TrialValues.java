package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Elements;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;

/** Numbers to try kernels with, by element type: floating ones in [-1, 1], integers from -127 to 127. Always the same; made once. */
final class TrialValues {
    /** No size that tensors have divides it, so that where they are repeated a wrong row or image has other values. */
    private static final int PERIOD = 1_000_003;

    private final Map<DType, MemorySegment> made = new EnumMap<>(DType.class);

    /** So many numbers, or as many as are repeated. */
    synchronized MemorySegment of(DType type, long count) {
        MemorySegment all = made.get(type);
        long n = Math.min(count, PERIOD);
        if (all == null || all.byteSize() < n * type.bytes()) {
            all = make(type, (int) n);
            made.put(type, all);
        }
        return all.asSlice(0, n * type.bytes());
    }

    private static MemorySegment make(DType type, int n) {
        MemorySegment m = Arena.ofAuto().allocate(Math.max(1, (long) n * type.bytes()), 64);
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < n; i++) {
            Elements.set(m, type, i, type.isFloating() ? random.nextDouble(-1, 1) : random.nextInt(-127, 128));
        }
        return m;
    }
}
