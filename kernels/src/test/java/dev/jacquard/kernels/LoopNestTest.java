package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The loop nest as the host makes it and as kernels read it: what loops.cuh does with the struct is done here in Java, and must find every element. */
class LoopNestTest {
    private static final int LOOPS = 6;

    /** What {@code Loops<operands>::offsets} finds for an operand. */
    private static long offset(MemorySegment struct, int operands, int operand, long unitIndex) {
        long loops = 8L * (1 + operands + operands * LOOPS);
        int rank = struct.get(ValueLayout.JAVA_INT_UNALIGNED, loops + 12L * LOOPS);
        int unit = struct.get(ValueLayout.JAVA_INT_UNALIGNED, loops + 12L * LOOPS + 4);
        if (rank == 1) {
            return unitIndex * unit * struct.get(ValueLayout.JAVA_LONG_UNALIGNED, 8L * (1 + operand));
        }
        long at = 0;
        int rest = Math.toIntExact(unitIndex);
        for (int d = 0; d < rank; d++) {
            long stride = struct.get(ValueLayout.JAVA_LONG_UNALIGNED, 8L * (1 + operands + operand * LOOPS + d));
            int q = 0;
            int index = rest;
            if (d < rank - 1) {
                int factor = struct.get(ValueLayout.JAVA_INT_UNALIGNED, loops + 4L * (LOOPS + d));
                q = divided(rest, factor, struct.get(ValueLayout.JAVA_INT_UNALIGNED, loops + 4L * (2 * LOOPS + d)));
                index = rest - q * struct.get(ValueLayout.JAVA_INT_UNALIGNED, loops + 4L * d);
            }
            at += index * stride;
            rest = q;
        }
        return at;
    }

    private static int divided(int i, int factor, int shift) {
        return (int) (Integer.toUnsignedLong(i) * Integer.toUnsignedLong(factor) >>> 32) + i >>> shift;
    }

    /** Positions of all elements, row-major, counted from the layout's offset. */
    private static long[] positions(Layout l) {
        long[] all = new long[Math.toIntExact(l.shape().size())];
        long[] index = new long[l.shape().rank()];
        for (int i = 0; i < all.length; i++) {
            all[i] = l.position(index) - l.offset();
            for (int d = index.length - 1; d >= 0 && ++index[d] == l.shape().dim(d); d--) {
                index[d] = 0;
            }
        }
        return all;
    }

    private static void check(Shape shape, int loops, Layout... inputs) {
        List<Layout> layouts = new ArrayList<>(Arrays.stream(inputs).map(l -> l.broadcastTo(shape)).toList());
        layouts.add(Layout.contiguous(shape));
        LoopNest nest = LoopNest.of(shape, layouts);
        assertEquals(loops, nest.rank());
        MemorySegment struct = nest.struct(inputs.length, 1);
        assertEquals(88 + 56 * inputs.length, struct.byteSize());
        for (int o = 0; o < inputs.length; o++) {
            int operand = o;
            assertArrayEquals(positions(layouts.get(o)), java.util.stream.LongStream.range(0, shape.size()).map(i -> offset(struct, inputs.length, operand, i)).toArray());
        }
    }

    @Test
    void everyElementIsFound() {
        Layout map = Layout.contiguous(Shape.of(2, 3, 4, 5));
        check(map.shape(), 1, map);
        check(map.shape(), 1, map, Layout.contiguous(Shape.scalar()));
        check(map.shape(), 2, map, Layout.contiguous(Shape.of(5)));
        check(map.shape(), 3, map, Layout.contiguous(Shape.of(2, 1, 1, 5)));
        check(map.shape(), 2, map, Layout.contiguous(Shape.of(2, 3, 4, 1)), map);
        check(map.shape(), 4, Layout.contiguous(Shape.of(5, 4, 3, 2)).permute(3, 2, 1, 0));
        check(map.shape(), 4, Layout.contiguous(Shape.of(4, 5, 6, 7)).slice(0, 1, 3).slice(1, 2, 5).slice(2, 1, 5).slice(3, 1, 6));
        check(Shape.of(3, 4, 5), 3, Layout.contiguous(Shape.of(3, 1, 5)), Layout.contiguous(Shape.of(1, 4, 1)));
        check(Shape.scalar(), 1, Layout.contiguous(Shape.scalar()));
        check(Shape.of(1, 1), 1, Layout.contiguous(Shape.of(1, 1)));
    }

    @Test
    void divisionIsExact() {
        int[] hard = {0, 1, 2, 3, 6, 7, 9, 63, 64, 65, 1000, (1 << 30) - 1, 1 << 30, Integer.MAX_VALUE - 1, Integer.MAX_VALUE};
        for (int d : hard) {
            for (int i : hard) {
                for (int near = Math.max(0, i - 1); d > 0 && near <= Math.min(i + 1L, Integer.MAX_VALUE) && near >= 0; near++) {
                    assertEquals(near / d, divided(near, LoopNest.factor(d), LoopNest.shift(d)), near + " / " + d);
                }
            }
        }
    }

    @Test
    void packsNeedAlignedRows() {
        Shape map = Shape.of(4, 6, 8);
        LoopNest bias = LoopNest.of(map, List.of(Layout.contiguous(map), Layout.contiguous(Shape.of(8)).broadcastTo(map), Layout.contiguous(map)));
        assertTrue(bias.packed(0, 8, 256, 16) && bias.packed(1, 8, 256, 16));
        assertFalse(bias.packed(0, 8, 258, 16), "address");
        Shape odd = Shape.of(4, 6, 9);
        LoopNest oddBias = LoopNest.of(odd, List.of(Layout.contiguous(odd), Layout.contiguous(Shape.of(9)).broadcastTo(odd), Layout.contiguous(odd)));
        assertFalse(oddBias.packed(0, 8, 256, 16), "rows of 9");
        LoopNest flat = LoopNest.of(odd, List.of(Layout.contiguous(odd), Layout.contiguous(odd)));
        assertTrue(flat.packed(0, 8, 256, 16), "one loop may have a rest");
        Layout columns = Layout.contiguous(Shape.of(4, 6, 12)).slice(2, 0, 8);
        assertFalse(LoopNest.of(map, List.of(columns, Layout.contiguous(map))).packed(0, 8, 256, 16), "rows 12 apart");
        assertTrue(LoopNest.of(map, List.of(columns, Layout.contiguous(map))).packed(0, 4, 256, 16));
        MemorySegment struct = bias.struct(2, 8);
        for (int u = 0; u < 24; u++) {
            assertEquals(8 * u, offset(struct, 2, 0, u));
            assertEquals(0, offset(struct, 2, 1, u));
        }
    }

    @Test
    void whatIsTooMuchForAKernelIsCut() {
        Shape eight = Shape.of(2, 3, 2, 3, 2, 3, 2, 3);
        int[] reverse = {7, 6, 5, 4, 3, 2, 1, 0};
        Layout turned = Layout.contiguous(Shape.of(3, 2, 3, 2, 3, 2, 3, 2)).permute(reverse);
        LoopNest nest = LoopNest.of(eight, List.of(turned, Layout.contiguous(eight)));
        assertEquals(8, nest.rank());
        List<Long> found = new ArrayList<>();
        for (LoopNest piece : nest.pieces()) {
            assertTrue(piece.rank() <= LOOPS);
            MemorySegment struct = piece.struct(2, 1);
            for (long i = 0; i < piece.size(); i++) {
                assertEquals(piece.offsets()[1] + i, piece.offsets()[1] + offset(struct, 2, 1, i));
                found.add(piece.offsets()[0] + offset(struct, 2, 0, i));
            }
        }
        assertArrayEquals(positions(turned), found.stream().mapToLong(Long::longValue).toArray());

        Shape huge = Shape.of(3, 1L << 30, 4);
        LoopNest big = LoopNest.of(huge, List.of(Layout.contiguous(Shape.of(4)).broadcastTo(huge), Layout.contiguous(huge)));
        List<LoopNest> pieces = big.pieces();
        assertTrue(pieces.stream().allMatch(p -> p.size() <= Integer.MAX_VALUE));
        long at = 0;
        for (LoopNest piece : pieces) {
            assertEquals(at, piece.offsets()[1]);
            assertEquals(0, piece.offsets()[0]);
            at += piece.size();
        }
        assertEquals(huge.size(), at);
        assertEquals(1, LoopNest.of(huge, List.of(Layout.contiguous(huge), Layout.contiguous(huge))).pieces().size(), "one loop needs no division");
    }

    @Test
    void transposesAreSeen() {
        Shape nhwc = Shape.of(2, 5, 6, 7);
        LoopNest nest = LoopNest.of(nhwc, List.of(Layout.contiguous(Shape.of(2, 7, 5, 6)).permute(0, 2, 3, 1), Layout.contiguous(nhwc)));
        int rows = nest.transposed();
        assertEquals(1, rows);
        assertArrayEquals(new long[] {7, 30, 2}, nest.extents());
        assertArrayEquals(new long[] {2}, nest.without(rows).without(0).extents());
        assertEquals(0, LoopNest.of(nhwc, List.of(Layout.contiguous(nhwc), Layout.contiguous(nhwc))).transposed());
        assertEquals(0, LoopNest.of(nhwc, List.of(Layout.repeated(nhwc), Layout.contiguous(nhwc))).transposed());
    }
}
