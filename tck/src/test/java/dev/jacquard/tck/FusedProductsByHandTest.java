package dev.jacquard.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DTypeException;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.OpTable;
import dev.jacquard.tensor.op.QuantizedProduct;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedConv2d;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedMatMul;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Quantised products against integer loops, and the statistics of a convolution against numbers worked out on paper: not from the ops' definitions. */
class FusedProductsByHandTest {
    private static final long SEED = Case.seedOfRun();

    private static double[] run(QuantizedProduct op, List<TensorType> types, double[]... values) {
        return Oracle.outputs(op, types, List.of(values)).getFirst();
    }

    private static TensorType i8(long... dims) {
        return TensorType.of(DType.I8, dims);
    }

    @Test
    void resultsAreRoundedHalfToEvenAndSaturate() {
        QuantizedMatMul op = new QuantizedMatMul(Nonlinearity.NONE, 0, DType.I8);
        double[] x = {1, 3, 5, -1, -3, -5, 127, -128, 100};
        double[] want = {0, 2, 2, 0, -2, -2, 64, -64, 50}; // halves
        List<TensorType> types = List.of(i8(9, 1), i8(1, 1), TensorType.f32(1), TensorType.f32(1));
        assertArrayEquals(want, run(op, types, x, new double[] {1}, new double[] {0.5}, new double[] {0}), 0);
        assertArrayEquals(new double[] {127, 127, 127, -127, -128, -128, 127, -128, 127}, run(op, types, x, new double[] {127}, new double[] {1}, new double[] {0}));
        assertArrayEquals(new double[9], run(op, types, x, new double[] {127}, new double[] {1}, new double[] {Double.NaN}), "a NaN is 0");
    }

    @Test
    void theResidualIsScaledAndAddedBeforeTheActivation() {
        QuantizedMatMul op = new QuantizedMatMul(Nonlinearity.RELU, 0.5, DType.I8);
        double[] got = run(op, List.of(i8(2, 1), i8(2, 1), TensorType.f32(2), TensorType.f32(2), i8(2, 2)),
                new double[] {10, -10}, new double[] {2, 3}, new double[] {0.25, 1}, new double[] {1, -1}, new double[] {8, -100, 8, 127});
        assertArrayEquals(new double[] {10, 0, 0, 32}, got, 0); // 5 + 1 + 4, 30 - 1 - 50, -5 + 1 + 4, -30 - 1 + 63.5 = 32.5
    }

    @Test
    void aSumThatF32CouldNotHoldIsExact() {
        int k = 4096;
        double[] x = new double[k];
        double[] w = new double[k];
        Arrays.fill(x, -128);
        Arrays.fill(w, -128);
        w[k - 1] = -127;
        QuantizedMatMul op = new QuantizedMatMul(Nonlinearity.NONE, 0, DType.F32);
        double got = run(op, List.of(i8(1, k), i8(1, k), TensorType.f32(1), TensorType.f32(1)), x, w, new double[] {1}, new double[] {-67_108_000})[0];
        assertEquals(736, got, "2^26 - 128 - 67 108 000");
    }

    @Test
    void theTablesSamplesAgreeWithIntegerLoops() {
        List<Sample> samples = OpTable.rows().stream().flatMap(r -> r.samples().stream())
                .filter(s -> s.op() instanceof QuantizedMatMul q && q.activation() != Nonlinearity.SILU).toList();
        long saturated = 0;
        long ties = 0;
        for (Sample s : samples) {
            QuantizedMatMul op = (QuantizedMatMul) s.op();
            List<double[]> v = Case.values(s, SEED);
            int k = s.types().get(0).shape().intDim(1);
            int n = s.types().get(1).shape().intDim(0);
            double[] want = new double[s.types().get(0).shape().intDim(0) * n];
            for (int i = 0; i < want.length; i++) {
                int sum = 0;
                for (int l = 0; l < k; l++) {
                    sum += (int) v.get(0)[i / n * k + l] * (int) v.get(1)[i % n * k + l];
                }
                float y = Math.fma((float) sum, (float) v.get(2)[i % n], (float) v.get(3)[i % n]);
                y = op.residual() ? Math.fma((float) op.residualScale(), (float) v.get(4)[i], y) : y;
                y = op.activation() == Nonlinearity.RELU ? Math.max(y, 0) : y;
                want[i] = op.to() == DType.I8 ? Math.clamp(Math.rint(y), -128, 127) + 0.0 : Case.rounded(TensorType.of(op.to()), new double[] {y})[0];
                saturated += op.to() == DType.I8 && Math.abs(y) > 128 ? 1 : 0;
                ties += op.to() == DType.I8 && Math.abs(y - Math.rint(y)) == 0.5 ? 1 : 0;
            }
            assertArrayEquals(want, Oracle.outputs(op, s.types(), v).getFirst(), s.toString());
        }
        assertTrue(saturated > 100 && ties > 100, saturated + " saturated, " + ties + " ties");
    }

    @Test
    void attributesAreChecked() {
        assertThrows(CallerException.class, () -> new QuantizedMatMul(Nonlinearity.NONE, Double.NaN, DType.I8));
        assertThrows(DTypeException.class, () -> new QuantizedConv2d(Window.of(1, 0), 1, Nonlinearity.NONE, 0, DType.I32));
    }

    @Test
    void statisticsAreOverPixelsAndBiased() {
        ConvolutionStatistics op = new ConvolutionStatistics(Window.of(1, 0), 1);
        List<double[]> got = Oracle.outputs(op, List.of(TensorType.f32(2, 1, 2, 1), TensorType.f32(2, 1, 1, 1)), List.of(new double[] {1, 2, 3, 6}, new double[] {1, -2}));
        assertArrayEquals(new double[] {1, -2, 2, -4, 3, -6, 6, -12}, got.get(0));
        assertArrayEquals(new double[] {3, -6}, got.get(1));
        assertArrayEquals(new double[] {3.5, 14}, got.get(2)); // (4 + 1 + 0 + 9) / 4
    }
}
