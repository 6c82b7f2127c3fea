package dev.jacquard.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.OpTable;
import dev.jacquard.tensor.op.Sample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** TF32 rounding, and the row of tolerances that is made for it: products of rounded operands keep to it, those of truncated ones and of BF16 do not. */
class Tf32Test {
    private static final float ULP = 0x1p-10f;
    private static final long SEED = Case.seedOfRun();
    private static final Set<String> PRODUCTS = Set.of("matmul", "conv2d", "conv2d_backward_data", "conv2d_backward_weight", "matmul_shift", "convolution_scale_shift",
            "convolution_statistics");

    @Test
    void roundsToNearestAndTiesAway() {
        assertEquals(1, Tf32.round(1));
        assertEquals(1 + ULP, Tf32.round(1 + ULP));
        assertEquals(1, Tf32.round(1 + 0.499f * ULP));
        assertEquals(1 + ULP, Tf32.round(1 + 0.5f * ULP), "a tie goes up, although 1 is even");
        assertEquals(-1 - ULP, Tf32.round(-1 - 0.5f * ULP));
        assertEquals(2, Tf32.round(2 - 0.25f * ULP), "into the next binade");
        assertEquals(1, Tf32.truncate(1 + 0.999f * ULP));
        assertEquals(0x1p-136f, Tf32.round(0x1p-136f), "a subnormal of TF32");
        assertEquals(-0.0f, Tf32.round(-0.0f));
    }

    @Test
    void specialValuesStay() {
        assertTrue(Float.isNaN(Tf32.round(Float.NaN)));
        assertTrue(Float.isNaN(Tf32.round(Float.intBitsToFloat(0x7f800001))), "whose bits would round to infinity");
        assertEquals(Float.NEGATIVE_INFINITY, Tf32.round(Float.NEGATIVE_INFINITY));
        assertEquals(Float.POSITIVE_INFINITY, Tf32.round(Float.MAX_VALUE));
    }

    private static Stream<Sample> products() {
        return OpTable.rows().stream().flatMap(r -> r.samples().stream()).filter(s -> PRODUCTS.contains(s.op().name()));
    }

    @TestFactory
    Stream<DynamicTest> productsOfRoundedOperandsKeepToTheRow() {
        return products().flatMap(s -> Stream.of(Variant.CONTIGUOUS, Variant.BROADCAST).filter(v -> v.applies(s)).map(v -> DynamicTest.dynamicTest(s + " " + v, () ->
                assertEquals(0, bad(s, v, Tf32Test::rounded)))));
    }

    @Test
    void truncationAndCoarserFormatsDoNot() {
        List<Sample> samples = products().filter(s -> s.op().name().equals("matmul") && outputs(s) > 2000).toList();
        assertEquals(12, samples.size());
        for (Sample s : samples) {
            assertTrue(bad(s, Variant.CONTIGUOUS, v -> Arrays.stream(v).map(x -> Tf32.truncate((float) x)).toArray()) > 0, "truncated: " + s);
            assertTrue(bad(s, Variant.CONTIGUOUS, v -> Case.rounded(TensorType.of(DType.BF16), v)) > 0, "bf16: " + s);
        }
    }

    @Test
    void onlyProductsOfF32AreOtherRows() {
        assertEquals(Tolerance.of(DType.F16, Accuracy.matmul(64)), Tolerance.tf32(DType.F16, Accuracy.matmul(64)));
        assertEquals(Tolerance.of(DType.F32, Accuracy.reduce(64)), Tolerance.tf32(DType.F32, Accuracy.reduce(64)));
        assertEquals("MATMUL(n=64, tf32)", Tolerance.tf32(DType.F32, Accuracy.matmul(64)).name());
    }

    private static double[] rounded(double[] values) {
        return Arrays.stream(values).map(v -> Tf32.round((float) v)).toArray();
    }

    private static long outputs(Sample s) {
        return s.op().infer(s.types()).getFirst().shape().size();
    }

    /** Outputs that do not keep to the row when the product's two operands are changed like this; the other operands are read in F32. */
    private static int bad(Sample s, Variant variant, UnaryOperator<double[]> rounding) {
        Op op = s.op();
        List<double[]> values = new ArrayList<>();
        List<double[]> made = Case.values(s, SEED);
        for (int i = 0; i < made.size(); i++) {
            values.add(variant.values(s.types().get(i), made.get(i)));
        }
        List<double[]> changed = new ArrayList<>(values);
        changed.set(0, rounding.apply(values.get(0)));
        changed.set(1, rounding.apply(values.get(1)));
        List<double[]> want = Oracle.outputs(op, s.types(), values);
        List<double[]> got = Oracle.outputs(op, s.types(), changed);
        Accuracy accuracy = op.accuracy(s.types());
        int bad = 0;
        for (int o = 0; o < want.size(); o++) {
            TensorType type = TensorType.f32(1);
            for (int i = 0; i < want.get(o).length; i++) {
                double[] one = {(float) got.get(o)[i]};
                if (Comparator.difference(type, one, new double[] {want.get(o)[i]}, Tolerance.tf32(DType.F32, accuracy), variant.scale(accuracy)).isPresent()) {
                    bad++;
                }
            }
        }
        return bad;
    }
}
