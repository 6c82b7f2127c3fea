package dev.jacquard.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Images;
import dev.jacquard.tensor.op.LossScaling;
import dev.jacquard.tensor.op.Quantization;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.random.Philox;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Optimizers, loss scaling, fake quantisation and image input against plain loops, written from their papers' and frameworks' formulas and not from the ops' definitions. */
class TrainingOpsByHandTest {
    private static final int STEPS = 5;
    private static final double LR = 0.1;
    private static final double[] START = {1, -2, 0.5};

    private final Scope s = Scope.training(Oracle.reference());

    @AfterEach
    void close() {
        s.close();
    }

    private Tensor tensor(double... values) {
        return s.tensor(TensorType.of(DType.F64, values.length), values);
    }

    private Tensor scalar(double value) {
        return s.tensor(TensorType.of(DType.F64), value);
    }

    private Tensor integer(int value) {
        return s.tensor(TensorType.of(DType.I32), value);
    }

    private static double[] values(Tensor t) {
        return ((EagerTensor) t).doubles();
    }

    private static void close(double[] got, double[] want) {
        Comparator.difference(TensorType.of(DType.F64, want.length), got, want, Tolerance.of(DType.F64, Accuracy.elementwise()), 1).ifPresent(problem -> {
            throw new AssertionError(problem);
        });
    }

    private static double gradient(int step, int i) {
        return 2 * Philox.uniform(Philox.word(7, 0, step, i)) - 1;
    }

    /** One element's states after a gradient. */
    private interface Loop {
        void step(double[] states, double g, int t);
    }

    /** Runs a rule for some steps, and a loop over plain numbers, which begin alike. */
    private void sameAs(Update.Rule rule, Loop loop) {
        List<Tensor> states = new ArrayList<>(List.of(tensor(START)));
        double[][] want = new double[START.length][rule.states()];
        for (int i = 0; i < START.length; i++) {
            want[i][0] = START[i];
        }
        while (states.size() < rule.states()) {
            states.add(tensor(0, 0, 0));
        }
        for (int t = 1; t <= STEPS; t++) {
            int step = t;
            List<Tensor> in = new ArrayList<>(states);
            in.add(tensor(gradient(t, 0), gradient(t, 1), gradient(t, 2)));
            rule.scalars().forEach(k -> in.add(switch (k) {
                case LEARNING_RATE -> scalar(LR);
                case STEP -> integer(step);
                case AVERAGE_DECAY -> scalar(0.75);
                case KEEP -> scalar(1);
                case SKIP -> integer(0);
            }));
            states = new ArrayList<>(s.apply(rule, in));
            for (int i = 0; i < START.length; i++) {
                loop.step(want[i], gradient(t, i), t);
            }
        }
        for (int j = 0; j < rule.states(); j++) {
            int state = j;
            close(values(states.get(j)), Arrays.stream(want).mapToDouble(w -> w[state]).toArray());
        }
    }

    @Test
    void rmsPropOfPyTorch() {
        sameAs(new Update.RmsProp(0.9, 0.01, 0.8, 0.02, Update.RmsProp.Form.PYTORCH), (x, g, _) -> {
            double d = g + 0.02 * x[0];
            x[1] = 0.9 * x[1] + 0.1 * d * d;
            x[2] = 0.8 * x[2] + d / (Math.sqrt(x[1]) + 0.01);
            x[0] -= LR * x[2];
        });
    }

    @Test
    void rmsPropOfTensorFlow() {
        sameAs(new Update.RmsProp(0.9, 0.01, 0.8, 0, Update.RmsProp.Form.TENSORFLOW), (x, g, _) -> {
            x[1] = 0.9 * x[1] + 0.1 * g * g;
            x[2] = 0.8 * x[2] + LR * g / Math.sqrt(x[1] + 0.01);
            x[0] -= x[2];
        });
    }

    @Test
    void adamAndAdamW() {
        for (boolean decoupled : new boolean[] {false, true}) {
            sameAs(new Update.Adam(0.9, 0.999, 1e-3, 0.02, decoupled), (x, g, t) -> {
                double d = decoupled ? g : g + 0.02 * x[0];
                x[0] -= decoupled ? LR * 0.02 * x[0] : 0;
                x[1] = 0.9 * x[1] + 0.1 * d;
                x[2] = 0.999 * x[2] + 0.001 * d * d;
                x[0] -= LR * (x[1] / (1 - Math.pow(0.9, t))) / (Math.sqrt(x[2] / (1 - Math.pow(0.999, t))) + 1e-3);
            });
        }
    }

    @Test
    void averageFollowsTheNewParameter() {
        sameAs(new Update.ExtendedUpdate(new Update.SgdMomentum(0.9, 0, false), true, true), (x, g, _) -> {
            x[1] = 0.9 * x[1] + g;
            x[0] -= LR * x[1];
            x[2] = 0.75 * x[2] + 0.25 * x[0];
        });
    }

    @Test
    void aSkippedUpdateKeepsWhatIsNotANumber() {
        Update.Rule rule = new Update.ExtendedUpdate(new Update.SgdMomentum(0.9, 0, false), true, true);
        List<Tensor> next = tensor(Double.NaN, 1, -0.0).applyAll(rule, tensor(2, Double.POSITIVE_INFINITY, 3), tensor(4, 5, 6), tensor(7, Double.NaN, 9), scalar(LR), scalar(0.5),
                integer(1));
        assertArrayEquals(new double[] {Double.NaN, 1, -0.0}, values(next.get(0)));
        assertArrayEquals(new double[] {2, Double.POSITIVE_INFINITY, 3}, values(next.get(1)));
        assertArrayEquals(new double[] {4, 5, 6}, values(next.get(2)));
    }

    /** PyTorch's scaler: one bad step halves, so many good ones in a row double; Paddle's: two bad ones in a row. */
    @Test
    void theScaleFollowsTheScalers() {
        for (int patience = 1; patience <= 2; patience++) {
            LossScaling.UpdateScale op = new LossScaling.UpdateScale(2, 3, 0.5, patience);
            double scale = 1024;
            int good = 0;
            int bad = 0;
            List<Tensor> state = List.of(scalar(scale), integer(0));
            for (int step = 0; step < 60; step++) {
                boolean overflow = Philox.uniform(Philox.word(3, 0, patience, step)) < 0.3;
                good = overflow ? 0 : good + 1;
                bad = overflow ? bad + 1 : 0;
                if (good == 3) {
                    scale *= 2;
                    good = 0;
                } else if (bad == patience) {
                    scale *= 0.5;
                    bad = 0;
                }
                state = s.apply(op, List.of(state.get(0), state.get(1), integer(overflow ? 7 : 0)));
                assertArrayEquals(new double[] {scale}, values(state.get(0)), "step " + step);
            }
        }
    }

    @Test
    void unscalingFindsWhatIsNotFinite() {
        List<Tensor> fine = scalar(4).applyAll(new LossScaling.Unscale(), tensor(1, -0.0, 1e300), tensor(3, 4));
        assertArrayEquals(new double[] {0}, values(fine.get(0)));
        assertArrayEquals(new double[] {0.75, 1}, values(fine.get(2)));
        for (double odd : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            assertArrayEquals(new double[] {1}, values(scalar(4).applyAll(new LossScaling.Unscale(), tensor(1, 2), tensor(3, odd)).get(0)));
            assertArrayEquals(new double[] {1}, values(tensor(1, 2).apply(new LossScaling.NotFinite(), tensor(3, odd))));
        }
        assertArrayEquals(new double[] {0}, values(tensor(1, 2).apply(new LossScaling.NotFinite(), tensor(3, 1e300))));
    }

    @Test
    void theScaleStaysAboveItsMinimumAndBelowInfinity() {
        LossScaling.UpdateScale op = new LossScaling.UpdateScale(2, 1, 0.8, 1, 3);
        assertArrayEquals(new double[] {3.2}, values(scalar(4).apply(op, integer(0), integer(1))), 1e-12);
        assertArrayEquals(new double[] {3}, values(scalar(3.2).apply(op, integer(0), integer(1))));
        double most = Math.scalb(1, 1023);
        assertArrayEquals(new double[] {most}, values(scalar(most).apply(op, integer(0), integer(0))));
    }

    @Test
    void sumsBeginAnew() {
        Tensor old = tensor(1, Double.NaN, Double.POSITIVE_INFINITY);
        assertArrayEquals(new double[] {5, 6, 7}, values(old.apply(new Update.Accumulate(), tensor(5, 6, 7), scalar(0))));
        assertArrayEquals(new double[] {6, Double.NaN, Double.POSITIVE_INFINITY}, values(old.apply(new Update.Accumulate(), tensor(5, 6, 7), scalar(1))));
    }

    @Test
    void theGainOfAnAverageIsOfWhatComesIn() {
        assertArrayEquals(new double[] {0.75 * 4 + 0.25 * 1.5 * 8}, values(tensor(4).apply(new Update.Average(1.5), tensor(8), scalar(0.75))));
    }

    @Test
    void fakeQuantisationRoundsHalfToEvenAndPassesGradientsStraightThrough() {
        Tensor x = tensor(0.25, 0.75, 1.25, -0.25, 3.4, 3.6, -3.6, -4.5);
        Tensor y = x.apply(new Quantization.FakeQuantize(-8, 7), scalar(0.5));
        assertArrayEquals(new double[] {0, 1, 1, -0.0, 3.5, 3.5, -3.5, -4}, values(y));
        Tensor dy = tensor(1, 2, 3, 4, 5, 6, 7, 8);
        assertArrayEquals(new double[] {1, 2, 3, 4, 5, 0, 0, 0}, values(Gradients.of(y, dy, List.of(x)).getFirst()));
    }

    @Test
    void cropsAreClampedAndMirrored() {
        double[] pixels = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        Tensor images = s.tensor(TensorType.of(DType.U8, 1, 3, 3, 1), pixels);
        assertArrayEquals(new double[] {5, 6, 8, 9}, values(images.apply(new Images.Crop(2, 2), s.tensor(TensorType.of(DType.I32, 1, 3), 9, 1, 0))));
        assertArrayEquals(new double[] {2, 1, 5, 4}, values(images.apply(new Images.Crop(2, 2), s.tensor(TensorType.of(DType.I32, 1, 3), -1, 0, 5))));
    }

    @Test
    void mixupMixesWithThePartnerAndCutmixTakesItsBox() {
        Tensor images = s.tensor(TensorType.of(DType.U8, 3, 1, 2, 1), 10, 12, 20, 22, 40, 42);
        Images.Mix op = new Images.Mix(new Images.Normalize(List.of(0.5), List.of(1.0), DType.F32));
        Tensor partners = s.tensor(TensorType.of(DType.I32, 3), 2, 1, 0);
        Tensor weights = s.tensor(TensorType.f32(3), 0.75, 0.75, 1);
        Tensor boxes = s.tensor(TensorType.of(DType.I32, 3, 4), 0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 2);
        assertArrayEquals(new double[] {6 * 0.75 + 21 * 0.25, 7 * 0.75 + 22 * 0.25, 11, 12, 21, 7}, values(images.apply(op, partners, weights, boxes)));
    }
}
