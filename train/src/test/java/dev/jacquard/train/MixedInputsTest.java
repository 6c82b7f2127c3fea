package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.data.Mixer;
import dev.jacquard.data.Mixing;
import dev.jacquard.data.Normalization;
import dev.jacquard.data.Position;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Mixed batches in a step's graph against what PyTorch computes for the same draws: see src/test/scripts/mixing_values.py. */
class MixedInputsTest {
    private static final int N = 7;
    private static final int H = 6;
    private static final int W = 5;
    private static final int CLASSES = 11;
    private static final Map<String, double[]> VALUES = new HashMap<>();
    private static Backend backend;

    @BeforeAll
    static void open() {
        try (BufferedReader r = new BufferedReader(new InputStreamReader(MixedInputsTest.class.getResourceAsStream("/mixing-values.txt"), StandardCharsets.US_ASCII))) {
            r.lines().forEach(line -> {
                String[] halves = line.split(" \\| ");
                VALUES.put(halves[0].split(" ")[0], Arrays.stream(halves[1].split(" ")).mapToDouble(Double::parseDouble).toArray());
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        backend = Backends.open("cpu", 2);
    }

    @AfterAll
    static void close() {
        backend.close();
    }

    /** Pixels, loss and its gradient as a step has them, for logits that are fed. */
    private static Plan plan(State state, int channels) {
        GraphBuilder b = new GraphBuilder(true);
        Tensor images = b.input("images", TensorType.of(DType.U8, N, H, W, 3));
        Tensor labels = b.input("labels", TensorType.of(DType.I32, N));
        Tensor logits = b.input("logits", TensorType.f32(N, CLASSES));
        MixedInputs mixed = MixedInputs.of(b, N);
        b.output("pixels", mixed.normalize(images, Normalization.IMAGENET, channels));
        Tensor loss = mixed.crossEntropy(logits, labels, 0.1);
        b.output("loss", loss);
        b.output("dlogits", Gradients.of(loss, List.of(logits)).getFirst());
        return Plan.of(b.build(), state);
    }

    private static double[] value(String name) {
        return VALUES.get(name);
    }

    private static void feed(Plan plan, Arena arena, String input, String name) {
        TensorType type = plan.inputs().get(input);
        double[] v = value(name);
        MemorySegment m = arena.allocate(type.bytes(), 64);
        for (int i = 0; i < v.length; i++) {
            switch (type.dtype()) {
                case U8 -> m.set(ValueLayout.JAVA_BYTE, i, (byte) v[i]);
                case I32 -> m.setAtIndex(ValueLayout.JAVA_INT, i, (int) v[i]);
                default -> m.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) v[i]);
            }
        }
        plan.feed(input, m);
    }

    private static void feedBatch(Plan plan, Arena arena) {
        for (String name : List.of("images", "labels", "logits")) {
            feed(plan, arena, name, name);
        }
    }

    private static void close(String what, double[] want, float[] got, double tolerance) {
        assertEquals(want.length, got.length, what);
        for (int i = 0; i < want.length; i++) {
            assertEquals(want[i], got[i], tolerance * Math.max(1, Math.abs(want[i])), what + " " + i);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"pytorch_mixup", "tensorflow_mixup", "tensorflow_cutmix", "pytorch_cutmix", "tensorflow_both"})
    void pixelsLossAndGradientAreThoseOfPyTorch(String name) {
        try (State state = new State(backend); Plan plan = plan(state, 3); Arena arena = Arena.ofConfined()) {
            feedBatch(plan, arena);
            for (String input : List.of("partners", "weights", "boxes", "label_weights")) {
                feed(plan, arena, input, name + "." + input);
            }
            MemorySegment partnerLabels = arena.allocate(4L * N, 64);
            for (int i = 0; i < N; i++) {
                partnerLabels.setAtIndex(ValueLayout.JAVA_INT, i, (int) value("labels")[(int) value(name + ".partners")[i]]);
            }
            plan.feed("partner_labels", partnerLabels);
            plan.run();
            close("pixels", value(name + ".pixels"), plan.floats("pixels"), 1e-6);
            close("loss", value(name + ".loss"), new float[] {plan.scalar("loss")}, 1e-6);
            close("dlogits", value(name + ".dlogits"), plan.floats("dlogits"), 1e-6);
        }
    }

    @Test
    void whatTheMixerDrewIsWhatTheStepGets() {
        Mixing both = new Mixing(0.4, 1, Mixing.Form.PYTORCH);
        try (State state = new State(backend); Plan plan = plan(state, 4); Arena arena = Arena.ofConfined(); Mixer mixer = new Mixer(both, N, H, W, 5)) {
            feedBatch(plan, arena);
            MemorySegment labels = arena.allocate(4L * N, 64);
            for (int i = 0; i < N; i++) {
                labels.setAtIndex(ValueLayout.JAVA_INT, i, (int) value("labels")[i]);
            }
            mixer.draw(new Position(3, 1), labels);
            MixedInputs.stage(plan, mixer).place();
            plan.run();
            close("pixels", pixelsOf(mixer), plan.floats("pixels"), 1e-6);
            assertEquals(lossOf(mixer), plan.scalar("loss"), 1e-5);
        }
    }

    /** By the definition, a pixel at a time; the fourth channel is 0. */
    private static double[] pixelsOf(Mixer drawn) {
        double[] images = value("images");
        float[] mean = Normalization.IMAGENET.mean();
        float[] std = Normalization.IMAGENET.std();
        double[] all = new double[N * H * W * 4];
        for (int i = 0; i < N; i++) {
            int partner = drawn.partners().getAtIndex(ValueLayout.JAVA_INT, i);
            double weight = drawn.weights().getAtIndex(ValueLayout.JAVA_FLOAT, i);
            int[] box = drawn.boxes().asSlice(16L * i, 16).toArray(ValueLayout.JAVA_INT);
            for (int p = 0; p < H * W; p++) {
                boolean inside = p / W >= box[0] && p / W < box[2] && p % W >= box[1] && p % W < box[3];
                double own = inside ? 0 : weight;
                for (int c = 0; c < 3; c++) {
                    double v = own * images[(i * H * W + p) * 3 + c] + (1 - own) * images[(partner * H * W + p) * 3 + c];
                    all[(i * H * W + p) * 4 + c] = (v / 255 - mean[c]) / std[c];
                }
            }
        }
        return all;
    }

    private static double lossOf(Mixer drawn) {
        double sum = 0;
        for (int i = 0; i < N; i++) {
            double[] row = Arrays.copyOfRange(value("logits"), i * CLASSES, (i + 1) * CLASSES);
            double log = Math.log(Arrays.stream(row).map(Math::exp).sum());
            double weight = drawn.labelWeights().getAtIndex(ValueLayout.JAVA_FLOAT, i);
            double own = row[(int) value("labels")[i]];
            double other = row[drawn.partnerLabels().getAtIndex(ValueLayout.JAVA_INT, i)];
            sum += log - 0.9 * (weight * own + (1 - weight) * other) - 0.1 / CLASSES * Arrays.stream(row).sum();
        }
        return sum / N;
    }

    @Test
    void aStepWithoutMixingHasNoneOfTheInputs() {
        GraphBuilder b = new GraphBuilder(true);
        Tensor images = b.input("images", TensorType.of(DType.U8, 2, 4, 4, 3));
        b.output("pixels", Pixels.normalize(images, Normalization.IMAGENET, 4));
        try (State state = new State(backend); Plan plan = Plan.of(b.build(), state)) {
            assertEquals(List.of("images"), List.copyOf(plan.inputs().keySet()));
            assertArrayEquals(new long[] {2, 4, 4, 4}, plan.outputType("pixels").shape().dims());
        }
    }
}
