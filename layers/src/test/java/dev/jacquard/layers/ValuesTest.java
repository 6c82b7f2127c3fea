package dev.jacquard.layers;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What modules compute, on the reference backend against formulas written out here. */
class ValuesTest {
    private static final double F32 = 1e-6;

    private final ReferenceBackend reference = new ReferenceBackend();

    private static float[] random(Shape shape, long seed) {
        return Initializers.uniform(1).values(shape, seed);
    }

    private static EagerTensor tensor(Scope s, long seed, long... dims) {
        return s.tensor(random(Shape.of(dims), seed), dims);
    }

    private static double[] values(Tensor t) {
        return ((EagerTensor) t).doubles();
    }

    @Test
    void batchNormMovesItsStatisticsByTheUnbiasedVariance() {
        BatchNorm2d bn = new BatchNorm2d(3, new BatchNorm2d.Settings(1e-3, 0.25), 1);
        try (Scope s = Scope.training(reference)) {
            EagerTensor x = tensor(s, 1, 2, 2, 2, 3);
            double[] v = x.doubles();
            double[] y = values(bn.apply(x));
            double[] mean = values(s.read(bn.variables().get("running_mean")));
            double[] var = values(s.read(bn.variables().get("running_var")));
            for (int c = 0; c < 3; c++) {
                int channel = c;
                double[] of = IntStream.range(0, 8).mapToDouble(i -> v[i * 3 + channel]).toArray();
                double m = DoubleStream.of(of).average().orElseThrow();
                double squares = DoubleStream.of(of).map(e -> (e - m) * (e - m)).sum();
                assertEquals(0.25 * m, mean[c], F32);
                assertEquals(0.75 + 0.25 * squares / 7, var[c], F32);
                assertEquals((of[5] - m) / Math.sqrt(squares / 8 + 1e-3), y[5 * 3 + c], 4 * F32);
            }
        }
    }

    @Test
    void batchNormEvaluatesByItsStatistics() {
        BatchNorm2d bn = new BatchNorm2d(2, new BatchNorm2d.Settings(1e-3, 0.1), 1);
        try (Scope s = Scope.open(reference)) {
            s.write(bn.variables().get("weight"), s.tensor(new float[] {2, -1}, 2));
            s.write(bn.variables().get("bias"), s.tensor(new float[] {0.5f, 3}, 2));
            s.write(bn.variables().get("running_mean"), s.tensor(new float[] {1, -2}, 2));
            s.write(bn.variables().get("running_var"), s.tensor(new float[] {4, 0.25f}, 2));
            double[] y = values(bn.apply(s.tensor(new float[] {3, 1}, 1, 1, 1, 2)));
            assertArrayEquals(new double[] {(3 - 1) / Math.sqrt(4.001) * 2 + 0.5, -(1 + 2) / Math.sqrt(0.251) + 3}, y, 8 * F32);
        }
    }

    @Test
    void crossEntropyIsTheMeanOfSmoothedLogLikelihoods() {
        try (Scope s = Scope.open(reference)) {
            float[] logits = {1, 2, 3, 4, -1, 0, 1, 0.5f};
            int[] labels = {2, 0};
            double e = 0.1;
            double want = 0;
            for (int n = 0; n < 2; n++) {
                double sum = 0;
                double all = 0;
                for (int c = 0; c < 4; c++) {
                    sum += Math.exp(logits[n * 4 + c]);
                    all += logits[n * 4 + c];
                }
                // NVIDIA's form: (1 - e) nll + e mean(-log p).
                want += ((1 - e) * (Math.log(sum) - logits[n * 4 + labels[n]]) + e * (Math.log(sum) - all / 4)) / 2;
            }
            Tensor x = s.tensor(logits, 2, 4);
            Tensor y = s.tensor(TensorType.of(DType.I32, 2), labels[0], labels[1]);
            assertEquals(want, values(Losses.crossEntropy(x, y, e))[0], 4 * F32);
            Tensor soft = s.tensor(new float[] {0, 0, 0.5f, 0.5f, 1, 0, 0, 0}, 2, 4);
            double mixed = values(Losses.crossEntropy(x, soft))[0];
            Tensor other = s.tensor(TensorType.of(DType.I32, 2), 3, 0);
            assertEquals((values(Losses.crossEntropy(x, y, 0))[0] + values(Losses.crossEntropy(x, other, 0))[0]) / 2, mixed, 4 * F32);
        }
    }

    @Test
    void sgdIsTorchs() {
        for (boolean nesterov : new boolean[] {false, true}) {
            Linear m = new Linear(1, 1, Initializer.constant(2));
            Optimizer sgd = new Optimizer(new Update.SgdMomentum(0.9, 0.1, nesterov), Decay.WEIGHTS, m);
            Variable weight = m.variables().get("weight");
            Variable bias = m.variables().get("bias");
            try (Scope s = Scope.open(reference)) {
                double b = values(s.read(bias))[0];
                double w = 2;
                double[] v = new double[2];
                for (int step = 0; step < 3; step++) {
                    sgd.update(s, List.of(weight, bias), List.of(s.tensor(new float[] {0.5f}, 1, 1), s.tensor(new float[] {0.25f}, 1)), s.fill(TensorType.f32(), 0.2));
                    double g = 0.5 + 0.1 * w;
                    v[0] = 0.9 * v[0] + g;
                    v[1] = 0.9 * v[1] + 0.25;
                    w -= 0.2 * (nesterov ? g + 0.9 * v[0] : v[0]);
                    b -= 0.2 * (nesterov ? 0.25 + 0.9 * v[1] : v[1]);
                    assertEquals(w, values(s.read(weight))[0], 4 * F32);
                    assertEquals(b, values(s.read(bias))[0], 4 * F32);
                }
                assertEquals(v[0], values(s.read(sgd.slots().getFirst()))[0], 8 * F32);
            }
        }
    }

    @Test
    void dropoutKeepsTheMean() {
        try (Scope s = Scope.training(reference).seed(5)) {
            Tensor ones = s.fill(TensorType.f32(4, 50, 50, 2), 1);
            double[] y = values(new Dropout(0.2).apply(ones));
            assertTrue(DoubleStream.of(y).allMatch(v -> v == 0 || v == (double) 1.25f));
            assertEquals(1, DoubleStream.of(y).average().orElseThrow(), 0.015); // 4 deviations: 4 sqrt(0.25 / 20000)
        }
    }

    @Test
    void dropPathDropsSamplesOrBatches() {
        try (Scope s = Scope.training(reference).seed(5)) {
            Tensor ones = s.fill(TensorType.f32(400, 1, 1, 3), 1);
            double[] y = values(new DropPath(0.75, DropPath.Mode.SAMPLE).apply(ones));
            int kept = 0;
            for (int n = 0; n < 400; n++) {
                double fate = y[n * 3];
                assertTrue(fate == 0 || fate == (double) (float) (1 / 0.75));
                assertTrue(y[n * 3 + 1] == fate && y[n * 3 + 2] == fate);
                kept += fate == 0 ? 0 : 1;
            }
            assertEquals(300, kept, 35); // 4 deviations: 4 sqrt(400 * 0.75 * 0.25)
            double[] fates = IntStream.range(0, 40).mapToDouble(_ -> {
                double[] batch = values(new DropPath(0.5, DropPath.Mode.BATCH).apply(ones));
                assertEquals(1, DoubleStream.of(batch).distinct().count());
                return batch[0];
            }).toArray();
            assertArrayEquals(new double[] {0, 2}, DoubleStream.of(fates).sorted().distinct().toArray());
        }
    }

    @Test
    void bothFormsOfSqueezeExciteAreOneFunction() {
        SqueezeExcite conv = new SqueezeExcite(4, 2, Activation.RELU, SqueezeExcite.Weights.CONVOLUTION);
        SqueezeExcite linear = new SqueezeExcite(4, 2, Activation.RELU, SqueezeExcite.Weights.LINEAR);
        try (Scope s = Scope.open(reference)) {
            List<Variable> from = conv.parameters();
            List<Variable> to = linear.parameters();
            for (int i = 0; i < from.size(); i++) {
                s.write(to.get(i), s.read(from.get(i)).reshape(to.get(i).type().shape().dims()));
            }
            EagerTensor x = tensor(s, 2, 2, 3, 3, 4);
            double[] y = values(conv.apply(x));
            assertArrayEquals(y, values(linear.apply(x)), F32);
            double[] ratio = IntStream.range(0, y.length).mapToDouble(i -> y[i] / x.doubles()[i]).toArray();
            for (int i = 0; i < ratio.length; i++) {
                assertTrue(ratio[i] > 0 && ratio[i] < 1);
                assertEquals(ratio[i / 36 * 36 + i % 4], ratio[i], 1e-4, "one gate per sample and channel");
            }
        }
    }

    @Test
    void mbConvIsItsBranchPlusItsInput() {
        MBConv.Style style = new MBConv.Style(Activation.SILU, BatchNorm2d.Settings.STANDARD, false, SqueezeExcite.Weights.CONVOLUTION, DropPath.Mode.BATCH,
                Initializers.standard());
        MBConv m = new MBConv(new MBConv.Config(4, 4, 3, 1, 2, 1, style, 1));
        try (Scope s = Scope.open(reference)) {
            EagerTensor x = tensor(s, 3, 2, 4, 4, 4);
            double[] branch = values(m.children().get("block").apply(x));
            double[] y = values(m.apply(x));
            for (int i = 0; i < y.length; i++) {
                assertEquals(branch[i] + x.doubles()[i], y[i], F32);
            }
        }
    }

    @Test
    void aPlannedNetworkLearns() {
        Module m = Sequential.of(new Conv2d(Conv2d.Config.of(1, 4, 3)), new BatchNorm2d(4), Activation.RELU.module(), new GlobalAvgPool2d(), new Linear(4, 2));
        Optimizer sgd = new Optimizer(new Update.SgdMomentum(0.9, 1e-4, false), Decay.WEIGHTS, m);
        GraphBuilder b = new GraphBuilder(true);
        Tensor logits = m.apply(b.input("images", TensorType.f32(8, 6, 6, 1)));
        Tensor loss = Losses.crossEntropy(logits, b.input("labels", TensorType.of(DType.I32, 8)), 0);
        sgd.update(b, m.parameters(), Gradients.of(loss, m.parameters().stream().map(b::read).toList()), b.input("lr", TensorType.f32()));
        b.output("loss", loss);
        List<Variable> all = new ArrayList<>(m.variables().values());
        all.addAll(sgd.slots());
        float[] images = random(Shape.of(8, 6, 6, 1), 9);
        for (int i = 0; i < images.length; i++) {
            // The two classes: stripes that lie, stripes that stand.
            int y = i / 6 % 6;
            int x = i % 6;
            images[i] = images[i] * 0.3f + (i / 36 % 2 == 0 ? y : x) % 2;
        }
        int[] labels = {0, 1, 0, 1, 0, 1, 0, 1};
        try (State state = new State(reference).initialize(all, 1); Plan plan = Plan.of(b.build(), state)) {
            float[] losses = new float[40];
            for (int i = 0; i < losses.length; i++) {
                plan.feed("images", MemorySegment.ofArray(images));
                plan.feed("labels", MemorySegment.ofArray(labels));
                plan.feed("lr", (float) Schedule.cosine(0.2, 5, 40, 0).lr(i));
                plan.run();
                losses[i] = plan.scalar("loss");
            }
            assertTrue(losses[39] < 0.1f * losses[0], Arrays.toString(losses));
            assertTrue(state.get(m.variables().get("1.running_var"))[0] != 1);
        }
    }
}
