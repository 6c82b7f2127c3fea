package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.GeneratedImages;
import dev.jacquard.layers.Module;
import dev.jacquard.models.Models;
import dev.jacquard.models.Weights;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.plan.State;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PredictorTest {
    @TempDir
    static Path folder;
    private static Backend backend;
    private static Path weights;

    @BeforeAll
    static void open() {
        backend = Backends.open("cpu", 2);
        weights = folder.resolve("weights.safetensors");
        Module net = Models.create("resnet18", 10);
        try (State state = new State(backend).initialize(net.variables().values(), 1)) {
            Weights.save(weights, net, state, Weights.metadata("resnet18", 10, new GeneratedImages(1, GeneratedImages.Split.TEST, 10).classes()));
        }
    }

    @AfterAll
    static void close() {
        backend.close();
    }

    private static float[] images(int n) {
        float[] x = new float[n * 32 * 32 * 3];
        Random random = new Random(1);
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    @Test
    void aLargeBatchIsItsImages() {
        try (Predictor p = Predictor.load(null, weights, backend)) {
            float[] x = images(35);
            float[] all = p.logits(x, 35, 32, 32);
            int size = 32 * 32 * 3;
            for (int i : new int[] {0, 31, 32, 34}) {
                float[] one = p.logits(Arrays.copyOfRange(x, i * size, (i + 1) * size), 1, 32, 32);
                assertArrayEquals(one, Arrays.copyOfRange(all, 10 * i, 10 * i + 10), 1e-4f, "image " + i);
            }
            assertEquals(0, p.logits(new float[0], 0, 32, 32).length);
        }
    }

    @Test
    void manyThreadsGetTheirOwnAnswers() throws Exception {
        try (Predictor p = Predictor.load("resnet18", weights, backend); ExecutorService threads = Executors.newFixedThreadPool(4)) {
            float[] x = images(4);
            float[] expected = p.logits(x, 4, 32, 32);
            List<Future<float[]>> answers = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                answers.add(threads.submit(() -> p.logits(x, 4, 32, 32)));
            }
            for (Future<float[]> a : answers) {
                assertArrayEquals(expected, a.get());
            }
        }
    }

    @Test
    void probabilitiesOfPixelsSumToOne() {
        try (Predictor p = Predictor.load(null, weights, backend)) {
            byte[] pixels = new byte[2 * 32 * 32 * 3];
            new Random(2).nextBytes(pixels);
            float[] y = p.probabilities(pixels, 2, 32, 32);
            for (int i = 0; i < 2; i++) {
                float sum = 0;
                for (int c = 0; c < 10; c++) {
                    sum += y[10 * i + c];
                }
                assertEquals(1, sum, 1e-5);
            }
            assertEquals("checkerboard", p.classNames().getFirst());
            assertEquals("resnet18", p.arch());
        }
    }

    @Test
    void anUntrainedNetworkGuesses() {
        try (Predictor p = Predictor.load(null, weights, backend); GeneratedImages source = new GeneratedImages(1, GeneratedImages.Split.TEST, 55)) {
            Evaluation e = p.evaluate(source, 32, 20);
            assertEquals(55, e.images());
            assertTrue(e.top1() < 40 && e.top5() >= e.top1() && e.top5() <= 100 && e.loss() > 1, e.toString());
            assertEquals(e, p.evaluate(source, 32, 20));
        }
    }

    @Test
    void mistakesAreTheCallers() {
        assertThrows(DataException.class, () -> Predictor.load("resnet50", weights, backend));
        assertThrows(CallerException.class, () -> Predictor.load("resnet19", weights, backend));
        assertThrows(DataException.class, () -> Predictor.load(null, folder.resolve("missing"), backend));
        Predictor p = Predictor.load(null, weights, backend);
        assertThrows(CallerException.class, () -> p.logits(new float[5], 1, 32, 32));
        p.close();
        p.close();
        assertThrows(CallerException.class, () -> p.logits(images(1), 1, 32, 32));
    }
}
