package dev.jacquard.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Layouts against the list of positions that they stand for. */
class LayoutTest {
    /** Positions in row-major order of the shape. */
    private static List<Long> positions(Layout l) {
        List<Long> all = new ArrayList<>();
        long[] index = new long[l.shape().rank()];
        for (long i = 0; i < l.shape().size(); i++) {
            long rest = i;
            for (int d = index.length - 1; d >= 0; d--) {
                index[d] = rest % l.shape().dim(d);
                rest /= l.shape().dim(d);
            }
            all.add(l.position(index));
        }
        return all;
    }

    private static final Layout BASE = Layout.contiguous(Shape.of(4, 3, 5, 2));

    private static List<Layout> variants() {
        return List.of(BASE, BASE.permute(3, 1, 0, 2), BASE.permute(0, 2, 1, 3), BASE.slice(1, 1, 3), BASE.slice(3, 1, 2), BASE.slice(0, 2, 3).permute(1, 0, 2, 3),
                Layout.contiguous(Shape.of(3, 1)).broadcastTo(Shape.of(2, 3, 4)), Layout.repeated(Shape.of(2, 6)), Layout.contiguous(Shape.scalar()),
                Layout.contiguous(Shape.of(0, 3)), Layout.strided(Shape.of(4, 1), new long[] {1, 99}, 7));
    }

    @Test
    void reshapeKeepsTheOrderOfElementsOrSaysThatItCannot() {
        List<Shape> targets = List.of(Shape.of(120), Shape.of(12, 10), Shape.of(4, 15, 2), Shape.of(2, 2, 3, 5, 2), Shape.of(60, 2), Shape.of(4, 1, 3, 10),
                Shape.of(24), Shape.of(12), Shape.of(2, 3, 2, 2), Shape.of(8, 10), Shape.of(30), Shape.of(6, 4), Shape.of(1), Shape.of(4, 3, 5), Shape.of(4), Shape.of(1, 4, 1),
                Shape.of(2, 2), Shape.of(0));
        int viewed = 0;
        for (Layout l : variants()) {
            for (Shape t : targets) {
                if (t.size() != l.shape().size()) {
                    assertThrows(ShapeException.class, () -> l.reshape(t));
                    continue;
                }
                Optional<Layout> r = l.reshape(t);
                if (r.isPresent()) {
                    assertEquals(positions(l), positions(r.get()), l + " to " + t);
                    viewed++;
                } else {
                    assertFalse(l.isContiguous());
                }
            }
        }
        assertTrue(viewed > 12, "most of these need no copy, " + viewed + " were views");
    }

    @Test
    void contiguousMeansConsecutivePositions() {
        for (Layout l : variants()) {
            List<Long> p = positions(l);
            boolean consecutive = true;
            for (int i = 1; i < p.size(); i++) {
                consecutive &= p.get(i) == p.get(0) + i;
            }
            assertEquals(consecutive, l.isContiguous(), l.toString());
            assertEquals(p.stream().mapToLong(x -> x + 1).max().orElse(0), l.end(), l.toString());
        }
    }

    @Test
    void broadcastAlignsAtTheBack() {
        assertArrayEquals(new long[] {0, 1, 0}, Layout.contiguous(Shape.of(3, 1)).broadcastTo(Shape.of(2, 3, 4)).strides());
        assertThrows(ShapeException.class, () -> Layout.contiguous(Shape.of(3)).broadcastTo(Shape.of(4)));
        assertEquals(Shape.of(3, 4, 5), Shape.broadcast("add", Shape.of(3, 1, 5), Shape.of(4, 1)));
    }

    @Test
    void shapesRefuseNonsense() {
        assertThrows(ShapeException.class, () -> Shape.of(2, -1));
        assertThrows(ShapeException.class, () -> Shape.of(1L << 40, 1L << 40));
        assertThrows(ShapeException.class, () -> Shape.of(2).dim(1));
        assertEquals("(2, 3)", Shape.of(2, 3).toString());
    }
}
