package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.CallerException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TransformTest {
    private final SampleRandom random = new SampleRandom();
    private final Resampler resampler = new Resampler();

    @Test
    void cropsKeepTheirRanges() {
        Transform.Train t = Transform.Train.imagenet(224);
        int width = 640;
        int height = 480;
        double sum = 0;
        double ratios = 0;
        double tops = 0;
        int n = 4000;
        for (int i = 0; i < n; i++) {
            Resampler.Box box = t.crop().draw(width, height, random.at(1, 0, i, SampleRandom.AUGMENT));
            assertTrue(box.x() >= 0 && box.y() >= 0 && box.x() + box.width() <= width && box.y() + box.height() <= height, box.toString());
            double area = (double) box.width() * box.height() / (width * height);
            double ratio = (double) box.width() / box.height();
            assertTrue(area > 0.079 && area < 1.001, "area " + area);
            assertTrue(ratio > 0.74 && ratio < 1.35, "ratio " + ratio);
            sum += area;
            ratios += ratio;
            tops += (double) box.y() / height;
        }
        // Means over 20,000 draws of torchvision's get_params, written down in Python.
        assertEquals(0.4325, sum / n, 0.012);
        assertEquals(1.0453, ratios / n, 0.01);
        assertEquals(0.1410, tops / n, 0.008);
    }

    @Test
    void extremeShapesFallBackToTheCentre() {
        Transform.Train t = Transform.Train.of(224, 1);
        assertEquals(new Resampler.Box(433, 0, 133, 100), t.crop().draw(1000, 100, random.at(0, 0, 0, 2)));
        assertEquals(new Resampler.Box(0, 433, 100, 133), t.crop().draw(100, 1000, random.at(0, 0, 0, 2)));
        assertEquals(new Resampler.Box(0, 0, 1, 1), t.crop().draw(1, 1, random.at(0, 0, 0, 2)));
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
            for (Transform.Eval t : List.of(Transform.Eval.of(32), Transform.Eval.tensorflow(32), new Transform.Eval(32, new Transform.Eval.Whole(), Interpolation.BICUBIC_ALIASED))) {
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
