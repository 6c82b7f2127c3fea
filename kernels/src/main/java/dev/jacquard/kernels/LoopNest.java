package dev.jacquard.kernels;

import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Operands of one shape as a loop nest with as few loops as their strides allow: neighbouring dimensions that every operand steps through evenly are one. Kernels get it as the
 * struct of kernels/include/loops.cuh.
 *
 * @param extents of the loops, innermost first; at least one
 * @param strides each operand's strides in the loops, innermost first, in elements
 * @param offsets where each operand's elements begin, counted from its first
 */
record LoopNest(long[] extents, long[][] strides, long[] offsets) {
    /** Loops that a kernel can run. */
    private static final int LOOPS = 6;
    /** Elements that a kernel can tell apart when it has to divide. */
    private static final long DIVISIBLE = Integer.MAX_VALUE;

    /** Merges the dimensions of layouts that all have the given shape, which is not empty. */
    static LoopNest of(Shape shape, List<Layout> layouts) {
        List<long[]> loops = new ArrayList<>(); // extent, then each operand's stride
        for (int d = shape.rank() - 1; d >= 0; d--) {
            if (shape.dim(d) == 1) {
                continue;
            }
            long[] loop = new long[layouts.size() + 1];
            loop[0] = shape.dim(d);
            for (int o = 0; o < layouts.size(); o++) {
                loop[o + 1] = layouts.get(o).stride(d);
            }
            if (!loops.isEmpty() && continues(loops.getLast(), loop)) {
                loops.getLast()[0] *= loop[0];
            } else {
                loops.add(loop);
            }
        }
        if (loops.isEmpty()) {
            long[] one = new long[layouts.size() + 1];
            Arrays.fill(one, 1);
            loops.add(one);
        }
        long[][] strides = new long[layouts.size()][];
        for (int o = 0; o < strides.length; o++) {
            int operand = o + 1;
            strides[o] = loops.stream().mapToLong(l -> l[operand]).toArray();
        }
        return new LoopNest(loops.stream().mapToLong(l -> l[0]).toArray(), strides, new long[strides.length]);
    }

    private static boolean continues(long[] inner, long[] outer) {
        for (int o = 1; o < inner.length; o++) {
            if (outer[o] != inner[o] * inner[0]) {
                return false;
            }
        }
        return true;
    }

    /**
     * Rows of a matrix: an operand with {@code rowStride} elements per row, of which the kernel finds its own, one that counts columns, and the contiguous matrix itself.
     */
    static LoopNest rows(long rows, long columns, long rowStride) {
        return rows == 1 ? new LoopNest(new long[] {columns}, new long[][] {{0}, {1}, {1}}, new long[3])
                : new LoopNest(new long[] {columns, rows}, new long[][] {{0, rowStride}, {1, 0}, {1, columns}}, new long[3]);
    }

    int rank() {
        return extents.length;
    }

    /** Elements. */
    long size() {
        return Arrays.stream(extents).reduce(1, Math::multiplyExact);
    }

    /** An operand's stride in the innermost loop. */
    long step(int operand) {
        return strides[operand][0];
    }

    /** The loop in which the first operand's elements are neighbours while the second's are in the innermost one; 0 if there is none, or if both are in the innermost. */
    int transposed() {
        if (step(0) > 1 && step(1) == 1) {
            for (int d = 1; d < rank(); d++) {
                if (strides[0][d] == 1) {
                    return d;
                }
            }
        }
        return 0;
    }

    /** This nest without a loop; a nest of one element is left if it was the only one. */
    LoopNest without(int loop) {
        if (rank() == 1) {
            return new LoopNest(new long[] {1}, new long[strides.length][1], offsets);
        }
        long[][] s = new long[strides.length][];
        for (int o = 0; o < s.length; o++) {
            s[o] = without(strides[o], loop);
        }
        return new LoopNest(without(extents, loop), s, offsets);
    }

    private static long[] without(long[] values, int at) {
        return IntStream.range(0, values.length).filter(i -> i != at).mapToLong(i -> values[i]).toArray();
    }

    /** Whether all strides are even. */
    boolean even() {
        return Arrays.stream(strides).flatMapToLong(Arrays::stream).allMatch(s -> s % 2 == 0);
    }

    /** This nest counted in units of so many elements of the innermost loop, which steps by 1 and holds a whole number of them. */
    LoopNest units(int unit) {
        if (unit == 1) {
            return this;
        }
        long[] e = extents.clone();
        e[0] /= unit;
        long[][] s = new long[strides.length][];
        for (int o = 0; o < s.length; o++) {
            s[o] = Arrays.stream(strides[o]).map(stride -> stride / unit).toArray();
            s[o][0] = 1;
        }
        return new LoopNest(e, s, offsets);
    }

    /** This nest cut along its outermost loops into nests that a kernel can run; itself for every size and shape that networks have. */
    List<LoopNest> pieces() {
        int last = rank() - 1;
        if (last == 0 || rank() <= LOOPS && size() <= DIVISIBLE) {
            return List.of(this);
        }
        long inner = size() / extents[last];
        List<LoopNest> pieces = new ArrayList<>();
        long chunk = rank() > LOOPS ? 1 : Math.max(1, DIVISIBLE / inner);
        for (long from = 0; from < extents[last]; from += chunk) {
            pieces.addAll(part(last, from, Math.min(chunk, extents[last] - from)).pieces());
        }
        return pieces;
    }

    /** Indices {@code from} to {@code from + length - 1} of the outermost loop, which is gone if that is one. */
    private LoopNest part(int last, long from, long length) {
        int kept = length == 1 ? last : last + 1;
        long[] e = Arrays.copyOf(extents, kept);
        if (length > 1) {
            e[last] = length;
        }
        long[] o = offsets.clone();
        long[][] s = new long[strides.length][];
        for (int i = 0; i < s.length; i++) {
            o[i] += from * strides[i][last];
            s[i] = Arrays.copyOf(strides[i], kept);
        }
        return new LoopNest(e, s, o);
    }

    /**
     * Whether an operand can be taken in packs of so many elements: its innermost loop steps by 1 and its rows begin where packs may.
     *
     * @param address of the operand's first element
     * @param bytes of a pack
     */
    boolean packed(int operand, int pack, long address, int bytes) {
        if (step(operand) != 1 || address % bytes != 0 || offsets[operand] % pack != 0 || rank() > 1 && extents[0] % pack != 0) {
            return false;
        }
        return Arrays.stream(strides[operand]).skip(1).allMatch(s -> s % pack == 0);
    }

    /**
     * The struct {@code Loops<operands>}.
     *
     * @param operands how many of the operands the kernel knows: the first ones; its output is contiguous and not among them
     * @param unit elements that the kernel takes at once
     */
    MemorySegment struct(int operands, int unit) {
        long[] wide = new long[1 + operands + operands * LOOPS];
        wide[0] = size();
        int[] narrow = new int[3 * LOOPS + 2];
        for (int o = 0; o < operands; o++) {
            wide[1 + o] = step(o);
            for (int d = 0; d < rank(); d++) {
                wide[1 + operands + o * LOOPS + d] = strides[o][d] * (d == 0 ? unit : 1);
            }
        }
        for (int d = 0; rank() > 1 && d < rank(); d++) {
            int extent = Math.toIntExact(d == 0 ? extents[d] / unit : extents[d]);
            narrow[d] = extent;
            narrow[LOOPS + d] = factor(extent);
            narrow[2 * LOOPS + d] = shift(extent);
        }
        narrow[3 * LOOPS] = rank();
        narrow[3 * LOOPS + 1] = unit;
        byte[] bytes = new byte[8 * wide.length + 4 * narrow.length];
        MemorySegment struct = MemorySegment.ofArray(bytes);
        MemorySegment.copy(wide, 0, struct, ValueLayout.JAVA_LONG_UNALIGNED, 0, wide.length);
        MemorySegment.copy(narrow, 0, struct, ValueLayout.JAVA_INT_UNALIGNED, 8L * wide.length, narrow.length);
        return struct;
    }

    /**
     * With {@link #shift}: {@code i / d == (mulhi(i, factor) + i) >>> shift} for 0 <= i < 2^31 (Granlund and Montgomery, "Division by invariant integers using multiplication",
     * 1994).
     */
    static int factor(int d) {
        return (int) ((1L << 32) * ((1L << shift(d)) - d) / d + 1);
    }

    /** The base-2 logarithm of d, rounded up. */
    static int shift(int d) {
        return 32 - Integer.numberOfLeadingZeros(d - 1);
    }
}
