package dev.jacquard.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.Metadata24;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sparse24;
import dev.jacquard.tensor.op.Window;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** 2:4 sparsity on the reference, against values written by hand. */
class Sparse24ByHandTest {
    private static double[] apply(Op op, double... w) {
        return Oracle.outputs(op, List.of(TensorType.f32(w.length)), List.of(w)).getFirst();
    }

    @Test
    void twoOfFourAreKeptTheFirstOfEquals() {
        assertArrayEquals(new double[] {0, 0, 3, -4}, apply(new Sparse24.Prune24(), 1, -2, 3, -4));
        assertArrayEquals(new double[] {1, 1, 0, 0, 0, 1, 1, 0}, apply(new Sparse24.Mask24(), 2, 2, -2, 2, 1, 2, -2, 1));
        assertArrayEquals(new double[] {1, 0, 1, 0}, apply(new Sparse24.Mask24(), 0, 0, 5, 0));
        assertArrayEquals(new double[] {Double.NaN, 0, Double.NEGATIVE_INFINITY, 0}, apply(new Sparse24.Prune24(), Double.NaN, 1, Double.NEGATIVE_INFINITY, Double.NaN));
    }

    @Test
    void expandingWhatWasCompressedIsPruning() {
        TensorType type = TensorType.f32(19, 72);
        double[] w = Operand.of(19, 72).materialize(5, 0);
        List<double[]> compressed = Oracle.outputs(new Sparse24.Compress24(), List.of(type), List.of(w));
        double[] expanded = Oracle.outputs(new Sparse24.Expand24(), List.of(TensorType.f32(19, 36), Metadata24.of(type).type()), compressed).getFirst();
        double[] pruned = Oracle.outputs(new Sparse24.Prune24(), List.of(type), List.of(w)).getFirst();
        assertArrayEquals(pruned, expanded);
        List<double[]> again = Oracle.outputs(new Sparse24.Compress24(), List.of(type), List.of(pruned));
        assertArrayEquals(compressed.get(0), again.get(0));
        assertArrayEquals(compressed.get(1), again.get(1));
        assertDoesNotThrow(() -> Sparse24.check("pruned", type.shape(), pruned));
    }

    /** Weights (K, 1, 1, C) are compressed as (K, C), images (N, H, W, C) multiplied as (N H W, C). */
    @Test
    void aConvolutionOfOnePixelIsAProduct() {
        double[] x = Operand.of(2, 3, 5, 12).materialize(6, 0);
        double[] w = Oracle.outputs(new Sparse24.Prune24(), List.of(TensorType.f32(7, 1, 1, 12)), List.of(Operand.of(7, 1, 1, 12).materialize(6, 1))).getFirst();
        double[] want = Oracle.outputs(new Convolution.Conv2d(Window.of(1, 0), 1), List.of(TensorType.f32(2, 3, 5, 12), TensorType.f32(7, 1, 1, 12)), List.of(x, w)).getFirst();
        TensorType matrix = TensorType.f32(7, 12);
        List<double[]> compressed = Oracle.outputs(new Sparse24.Compress24(), List.of(matrix), List.of(w));
        List<TensorType> types = List.of(TensorType.f32(30, 12), TensorType.f32(7, 6), Metadata24.of(matrix).type());
        double[] got = Oracle.outputs(new Sparse24.SparseMatMul(), types, List.of(x, compressed.get(0), compressed.get(1))).getFirst();
        assertArrayEquals(want, got, 1e-12);
    }

    @Test
    void theFirstViolationIsNamed() {
        double[] w = new double[3 * 12];
        w[0] = w[3] = w[17] = w[18] = 1;
        Shape shape = Shape.of(3, 12);
        assertDoesNotThrow(() -> Sparse24.check("fc.weight", shape, w));
        w[16] = -0.0;
        assertDoesNotThrow(() -> Sparse24.check("fc.weight", shape, w));
        w[16] = Double.NaN;
        w[32] = w[33] = w[34] = w[35] = 1;
        String message = assertThrows(DataException.class, () -> Sparse24.check("fc.weight", shape, w)).getMessage();
        assertTrue(message.contains("fc.weight") && message.contains("3 non-zeros in columns 4 to 7 of row 1"), message);
        assertThrows(ShapeException.class, () -> Sparse24.check("fc.weight", Shape.of(6, 6), w));
    }

    /** Every nibble has bits of its own, and together they are all bits. */
    @Test
    void metadataFillsItsWords() {
        for (boolean bytes : new boolean[] {false, true}) {
            Metadata24 layout = new Metadata24(40, 132, bytes);
            assertEquals(TensorType.of(DType.I32, 3, 3, 32), layout.type());
            Set<Long> bits = new HashSet<>();
            for (long row = 0; row < 48; row++) {
                for (long quad = 0; quad < 48; quad++) {
                    long word = layout.word(row, quad);
                    assertTrue(word >= 0 && word < 288 && bits.add(word * 32 + layout.shift(row, quad)), row + ", " + quad);
                }
            }
        }
    }

    /** The places that the figures of the PTX ISA name ("Sparse matrix storage"). */
    @Test
    void lanesHaveWhatTheInstructionTakes() {
        Metadata24 halves = new Metadata24(16, 64, false);
        assertEquals(4 * 3 + 1, halves.word(3, 4)); // row 3, columns 16 to 19: the second of the row's four lanes
        assertEquals(halves.word(3, 4), halves.word(11, 4));
        assertEquals(16, halves.shift(11, 4)); // row 11 above it
        assertEquals(4 * 3 + 2, halves.word(3, 8)); // the second instruction's
        Metadata24 bytes = new Metadata24(16, 64, true);
        assertEquals(4 * 3 + 1, bytes.word(11, 0));
        assertEquals(4 * 3 + 2, bytes.word(3, 8));
        assertEquals(28, bytes.shift(3, 7));
    }
}
