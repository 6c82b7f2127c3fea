package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.CallerException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TransformTest {
    private final SampleRandom random = new SampleRandom();
    private final Resampler resampler = new Resampler();

    /** Means over 200,000 draws (20,000 for torchvision's get_params) of the systems' algorithms, written down in Python. */
    @ParameterizedTest
    @CsvSource({"TORCHVISION, 640, 480, 0.4325, 1.0453, 0.1410", "DALI, 640, 480, 0.4330, 1.0453, 0.1388", "DALI, 300, 400, 0.4336, 0.9831, 0.2171",
        "TENSORFLOW, 640, 480, 0.3879, 1.0431, 0.1583", "TENSORFLOW, 300, 400, 0.3727, 1.0367, 0.2448"})
    void cropsAreDrawnAsTheSystemsDo(RandomCrop.Sampling sampling, int width, int height, double area, double ratio, double top) {
        RandomCrop crop = usual(sampling);
        double areas = 0;
        double ratios = 0;
        double tops = 0;
        int n = 8000;
        for (int i = 0; i < n; i++) {
            Resampler.Box box = crop.draw(width, height, random.at(1, 0, i, SampleRandom.AUGMENT));
            assertTrue(box.x() >= 0 && box.y() >= 0 && box.x() + box.width() <= width && box.y() + box.height() <= height, box.toString());
            double a = (double) box.width() * box.height() / (width * height);
            double r = (double) box.width() / box.height();
            assertTrue(a > 0.079 && a < 1.001, "area " + a);
            assertTrue(r > 0.74 && r < 1.35, "ratio " + r);
            areas += a;
            ratios += r;
            tops += (double) box.y() / height;
        }
        assertEquals(area, areas / n, 0.01);
        assertEquals(ratio, ratios / n, 0.008);
        assertEquals(top, tops / n, 0.006);
    }

    @Test
    void extremeShapesFallBack() {
        RandomCrop whole = RandomCrop.TORCHVISION.area(1, 1);
        assertEquals(new Resampler.Box(433, 0, 133, 100), whole.draw(1000, 100, random.at(0, 0, 0, 2)));
        assertEquals(new Resampler.Box(0, 433, 100, 133), whole.draw(100, 1000, random.at(0, 0, 0, 2)));
        assertEquals(new Resampler.Box(450, 0, 100, 100), RandomCrop.DALI.area(1, 1).draw(1000, 100, random.at(0, 0, 0, 2)));
        assertEquals(new Resampler.Box(0, 0, 1000, 100), RandomCrop.TENSORFLOW.area(1, 1).draw(1000, 100, random.at(0, 0, 0, 2)));
        for (RandomCrop.Sampling sampling : RandomCrop.Sampling.values()) {
            assertEquals(new Resampler.Box(0, 0, 1, 1), usual(sampling).draw(1, 1, random.at(0, 0, 0, 2)));
        }
    }

    private static RandomCrop usual(RandomCrop.Sampling sampling) {
        return switch (sampling) {
            case TORCHVISION -> RandomCrop.TORCHVISION;
            case DALI -> RandomCrop.DALI;
            case TENSORFLOW -> RandomCrop.TENSORFLOW;
        };
    }

    /** Expected: the systems' formulas by hand. */
    @Test
    void evaluationCutsTheMiddle() {
        Resampler.Box window = new Resampler.Box(0, 0, 224, 224);
        Resampler.Job tensorflow = Transform.Eval.tensorflow(224).job(500, 375); // int(0.875 * 375) = 328; (172 + 1) / 2, (47 + 1) / 2
        assertEquals(new Resampler.Job(new Resampler.Box(86, 24, 328, 328), 224, 224, window, false, Interpolation.BILINEAR_TF1, false), tensorflow);
        Resampler.Job pytorch = Transform.Eval.pytorch(380).job(500, 375); // 412 * 500 / 375 = 549.3; round(169 / 2.0) = round(84.5) = 84
        assertEquals(new Resampler.Job(new Resampler.Box(0, 0, 500, 375), 549, 412, new Resampler.Box(84, 16, 380, 380), false, Interpolation.BILINEAR, false), pytorch);
        Resampler.Job dali = Transform.Eval.dali(380).job(375, 500); // as before, but round(84.5) = 85
        assertEquals(new Resampler.Job(new Resampler.Box(0, 0, 375, 500), 412, 549, new Resampler.Box(16, 85, 380, 380), false, Interpolation.BILINEAR_ALIASED, false), dali);
        assertEquals(384, Transform.Eval.pytorch(224).job(333, 500).height()); // 256 * 500 / 333 = 384.4
        assertEquals(383, Transform.Eval.pytorch(224).job(334, 500).height()); // 383.2
        assertEquals(382, Transform.Eval.pytorch(224).job(335, 500).height()); // 382.09
        assertEquals(340, Transform.Eval.pytorch(224).job(500, 376).width()); // 340.4
        assertEquals(337, Transform.Eval.pytorch(224).job(500, 379).width()); // 337.7
        assertEquals(338, Transform.Eval.paddle(224, 256).job(500, 379).width());
        assertEquals(Transform.Eval.shorterSide(224, 256), Transform.Eval.of(224));
        assertEquals(Transform.Eval.pytorch(224), Transform.Eval.of(224));
        Transform.Eval whole = new Transform.Eval(224, new Transform.Eval.Whole(), Interpolation.BILINEAR_TF1);
        assertEquals(new Resampler.Job(new Resampler.Box(0, 0, 500, 375), 224, 224, window, false, Interpolation.BILINEAR_TF1, false), whole.job(500, 375));
    }

    @Test
    void tensorFlowCutsItsFloatsOffOnlyWhenItAugments() {
        Transform.Train plain = Transform.Train.tensorflow(8);
        assertFalse(plain.job(9, 9, random).truncate());
        assertTrue(plain.with(Augmentation.randAugment(2, 5)).job(9, 9, random).truncate());
        assertFalse(Transform.Train.imagenet(8).with(Augmentation.randAugment(2, 5)).job(9, 9, random).truncate());
    }

    /** To the bit but for ties, which fall either way. */
    @Test
    void resizesWithoutAntialiasing() throws IOException {
        ByteBuffer in;
        try (GZIPInputStream stream = new GZIPInputStream(new ByteArrayInputStream(TestImages.resource("resize-aliased.bin.gz")))) {
            in = ByteBuffer.wrap(stream.readAllBytes());
        }
        int cases = in.getInt();
        assertEquals(15, cases);
        for (int i = 0; i < cases; i++) {
            int[] c = new int[9];
            Arrays.setAll(c, k -> in.getInt());
            byte[] expected = new byte[c[6] * c[7] * 3];
            in.get(expected);
            Interpolation filter = Interpolation.values()[c[8]];
            Resampler.Box crop = new Resampler.Box(c[2], c[3], c[4], c[5]);
            Resampler.Box window = new Resampler.Box(0, 0, c[6], c[7]);
            byte[] actual = new byte[expected.length];
            resampler.resize(TestImages.pattern(c[0], c[1]), new Resampler.Job(crop, c[6], c[7], window, false, filter, false), MemorySegment.ofArray(actual), 0);
            int different = 0;
            for (int k = 0; k < expected.length; k++) {
                different += expected[k] == actual[k] ? 0 : 1;
            }
            assertTrue(TestImages.distance(expected, actual) <= 1, filter + " case " + i + ": " + TestImages.distance(expected, actual) + " levels");
            assertTrue(different <= expected.length / 100, filter + " case " + i + ": " + different + " of " + expected.length);
        }
        assertEquals(0, in.remaining());
    }

    @Test
    void mirroringComesBeforeTensorFlowsResize() {
        RgbImage image = TestImages.pattern(20, 11);
        byte[] mirrored = new byte[image.pixels().length];
        for (int i = 0; i < 20 * 11; i++) {
            System.arraycopy(image.pixels(), i * 3, mirrored, (i / 20 * 20 + 19 - i % 20) * 3, 3);
        }
        Resampler.Box all = new Resampler.Box(0, 0, 20, 11);
        for (Interpolation filter : Interpolation.values()) {
            byte[] x = new byte[9 * 7 * 3];
            byte[] y = new byte[x.length];
            Resampler.Box window = new Resampler.Box(0, 0, 9, 7);
            resampler.resize(image, new Resampler.Job(all, 9, 7, window, true, filter, false), MemorySegment.ofArray(x), 0);
            resampler.resize(new RgbImage(20, 11, mirrored), new Resampler.Job(all, 9, 7, window, false, filter, false), MemorySegment.ofArray(y), 0);
            assertArrayEquals(y, x, filter.toString());
        }
    }

    @Test
    void halfOfTheSamplesAreMirrored() {
        Transform.Train t = Transform.Train.of(8, 1).with(RandomCrop.TORCHVISION.area(1, 1).ratio(1, 1));
        RgbImage image = TestImages.pattern(8, 8);
        byte[] out = new byte[8 * 8 * 3];
        int mirrored = 0;
        for (int i = 0; i < 1000; i++) {
            resampler.resize(image, t.job(8, 8, random.at(3, 1, i, SampleRandom.AUGMENT)), MemorySegment.ofArray(out), 0);
            mirrored += Arrays.equals(out, image.pixels()) ? 0 : 1;
        }
        assertEquals(500, mirrored, 50);
    }

    @Test
    void evaluationPassesImagesOfTheSizeOn() {
        RgbImage image = TestImages.pattern(32, 32);
        byte[] out = new byte[32 * 32 * 3];
        for (Transform.Eval t : List.of(Transform.Eval.of(32), Transform.Eval.tensorflow(32), Transform.Eval.pytorch(32).with(Interpolation.BICUBIC))) {
            resampler.resize(image, t.job(32, 32), MemorySegment.ofArray(out), 0);
            assertArrayEquals(image.pixels(), out, t.toString());
        }
    }

    @Test
    void extremeImagesAreEvaluated() {
        for (int[] size : new int[][] {{1, 1}, {1, 500}, {500, 1}, {33, 32}, {2000, 1500}}) {
            byte[] out = new byte[32 * 32 * 3];
            Transform.Eval whole = new Transform.Eval(32, new Transform.Eval.Whole(), Interpolation.BICUBIC_ALIASED);
            for (Transform.Eval t : List.of(Transform.Eval.of(32), Transform.Eval.dali(32), Transform.Eval.tensorflow(32), whole)) {
                resampler.resize(TestImages.pattern(size[0], size[1]), t.job(size[0], size[1]), MemorySegment.ofArray(out), 0);
            }
        }
    }

    @Test
    void badTransformsAreRefused() {
        assertThrows(CallerException.class, () -> Transform.Eval.shorterSide(32, 31));
        assertThrows(CallerException.class, () -> new Transform.Eval(32, new Transform.Eval.CentreSquare(-1), Interpolation.BILINEAR));
        assertThrows(CallerException.class, () -> Transform.Train.imagenet(32).flipping(1.5));
        assertThrows(CallerException.class, () -> Transform.Train.of(0, 0.5));
        assertThrows(CallerException.class, () -> Transform.Train.of(32, 0));
        assertThrows(CallerException.class, () -> RandomCrop.TORCHVISION.ratio(2, 1));
    }

    @Test
    void theShuffleIsAPermutationAndDiffersByEpochAndSeed() {
        int[] order = SampleRandom.permutation(1000, 7, 3);
        assertArrayEquals(IntStream.range(0, 1000).toArray(), Arrays.stream(order).sorted().toArray());
        assertArrayEquals(order, SampleRandom.permutation(1000, 7, 3));
        assertNotEquals(Arrays.toString(order), Arrays.toString(SampleRandom.permutation(1000, 7, 4)));
        assertNotEquals(Arrays.toString(order), Arrays.toString(SampleRandom.permutation(1000, 8, 3)));
    }

    @Test
    void theRandomNumbersStayWhatTheyAre() {
        random.at(1, 2, 3, SampleRandom.AUGMENT);
        long first = random.nextLong();
        random.nextLong();
        assertEquals(first, random.at(1, 2, 3, SampleRandom.AUGMENT).nextLong());
        assertEquals("[0, 1, 2, 7, 4, 9, 5, 8, 3, 6]", Arrays.toString(SampleRandom.permutation(10, 42, 0)), "checkpoints rely on the order of an epoch");
    }

    @Test
    void theRandomNumbersAreUniform() {
        int[] bins = new int[10];
        double gaussians = 0;
        for (int i = 0; i < 100_000; i++) {
            random.at(i % 100, i / 100 % 10, i / 1000, SampleRandom.DRAW);
            bins[random.nextInt(10)]++;
            gaussians += random.gaussian();
        }
        for (int n : bins) {
            assertEquals(10_000, n, 500);
        }
        assertEquals(0, gaussians / 100_000, 0.02);
    }
}
