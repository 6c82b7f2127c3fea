package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import dev.jacquard.tensor.DataException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Decoding what a transform reads is decoding everything, as far as anybody can see. */
class ImageWorkerTest {
    private static final int SIZE = 24;

    private static List<Transform> transforms() {
        Transform.Train plain = Transform.Train.imagenet(SIZE);
        return List.of(plain, plain.with(Interpolation.BICUBIC), Transform.Train.dali(SIZE), plain.with(Interpolation.BICUBIC_ALIASED), Transform.Train.tensorflow(SIZE),
                plain.with(Augmentation.randAugment(2, 10)), Transform.Train.tensorflow(SIZE).with(Augmentation.randAugment(2, 10)), Transform.Eval.of(SIZE),
                Transform.Eval.dali(SIZE),
                Transform.Eval.tensorflow(SIZE), Transform.Eval.shorterSide(SIZE, 100), new Transform.Eval(SIZE, new Transform.Eval.Whole(), Interpolation.BICUBIC));
    }

    @Test
    void aPartIsAsGoodAsTheWhole() {
        Random random = new Random(8);
        for (Transform transform : transforms()) {
            try (ImageWorker worker = new ImageWorker(transform, ImageDecoder.DEFAULT_MAX_PIXELS)) {
                for (int i = 0; i < 20; i++) {
                    int width = random.nextInt(1, 150);
                    int height = random.nextInt(1, 150);
                    byte[] file = TestImages.encoded(width, height, i % 2 == 0 ? "png" : "jpg");
                    byte[] expected = new byte[SIZE * SIZE * 3];
                    worker.transform(worker.decode(file, file.length, "x"), 5, 2, i, MemorySegment.ofArray(expected), 0);
                    byte[] padded = Arrays.copyOf(file, file.length + 100); // what a buffer held before is not the file's
                    byte[] actual = new byte[expected.length + 7];
                    worker.process(padded, file.length, "x", i % 3 == 0, 5, 2, i, MemorySegment.ofArray(actual), 7);
                    assertArrayEquals(expected, Arrays.copyOfRange(actual, 7, actual.length), transform + " of " + width + "x" + height);
                }
            }
        }
    }

    /** With a library; ImageIO makes a raster for each image. */
    @Test
    void aWorkerAllocatesNothingOfAnImagesSize() {
        assumeTrue(JpegLibrary.here().library() != null, "skipped: " + JpegLibrary.here().why());
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        byte[] file = TestImages.encoded(640, 480, "jpg");
        try (ImageWorker worker = new ImageWorker(Transform.Train.imagenet(SIZE), ImageDecoder.DEFAULT_MAX_PIXELS)) {
            MemorySegment out = MemorySegment.ofArray(new byte[SIZE * SIZE * 3]);
            for (int i = 0; i < 100; i++) { // the largest crop has come
                worker.process(file, file.length, "x", 1, 0, i, out, 0);
            }
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 100; i++) {
                worker.process(file, file.length, "x", 1, 0, i, out, 0);
            }
            long each = (threads.getCurrentThreadAllocatedBytes() - before) / 100;
            assertTrue(each < 4096, each + " bytes per image of " + 640 * 480 * 3);
        }
    }

    @Test
    void onlyWhatIsReadIsWanted() {
        Resampler.Job job = Transform.Eval.of(224).job(500, 375);
        Wanted exact = Wanted.of(job, 500, 375, Decoding.EXACT);
        assertTrue(exact.width() < 350 && exact.height() < 340, exact.toString());
        assertEquals(1, exact.reduction());
        assertEquals(1, Wanted.of(job, 500, 375, Decoding.REDUCED).reduction());
        assertEquals(4, Wanted.of(Transform.Eval.of(224).job(4000, 3000), 4000, 3000, Decoding.REDUCED).reduction());
        assertEquals(1, Wanted.of(Transform.Eval.of(224).job(4000, 3000), 4000, 3000, Decoding.EXACT).reduction());
    }

    @Test
    void damageOutsideOfThePartCondemnsTheImage() {
        byte[] whole = TestImages.encoded(300, 300, "jpg");
        byte[] file = Arrays.copyOf(whole, whole.length * 9 / 10);
        file[file.length - 2] = (byte) 0xFF;
        file[file.length - 1] = (byte) 0xD9;
        try (ImageDecoder decoder = new ImageDecoder()) {
            ImageHeader header = decoder.header(file, file.length, "x");
            assertEquals(300, header.width());
            assertThrows(DataException.class, () -> decoder.decode(file, file.length, "x", header, new Wanted(0, 0, 16, 16, 1), false, new Picture()));
        }
    }

    @Test
    void aPictureForgetsItsSizeAndAHugeOneItsMemory() {
        Picture picture = new Picture();
        byte[] first = picture.reset(100, 50);
        assertEquals(100 * 50 * 3, first.length);
        assertEquals(first, picture.reset(1000, 1000, new Wanted(8, 16, 33, 17, 8)));
        assertEquals(List.of(5, 3, 8, 16, 1000), List.of(picture.width(), picture.height(), picture.left(), picture.top(), picture.fullWidth()));
        byte[] huge = picture.reset(4000, 3000);
        assertEquals(huge, picture.reset(3000, 3000));
        assertEquals(100 * 50 * 3, picture.reset(100, 50).length);
    }

    /** A 3x2 picture of pixels 0 to 5 in each of EXIF's eight orientations, as the standard's table draws them. */
    @Test
    void picturesAreTurnedUpright() {
        int[][] upright = {{0, 1, 2, 3, 4, 5}, {2, 1, 0, 5, 4, 3}, {5, 4, 3, 2, 1, 0}, {3, 4, 5, 0, 1, 2}, {0, 3, 1, 4, 2, 5}, {3, 0, 4, 1, 5, 2}, {5, 2, 4, 1, 3, 0},
                {2, 5, 1, 4, 0, 3}};
        for (int orientation = 1; orientation <= 8; orientation++) {
            Picture stored = new Picture();
            byte[] pixels = stored.reset(3, 2);
            for (int i = 0; i < 18; i++) {
                pixels[i] = (byte) (i / 3);
            }
            Picture out = new Picture();
            ExifOrientation.turn(stored, orientation, out);
            int[] got = new int[6];
            for (int i = 0; i < 6; i++) {
                got[i] = out.pixels()[3 * i];
            }
            assertArrayEquals(upright[orientation - 1], got, "orientation " + orientation);
            assertEquals(orientation >= 5 ? 2 : 3, out.width());
        }
    }

    @Test
    void partsOfTurnedImagesAreTheSamePixels() {
        byte[] plain = TestImages.encoded(61, 43, "jpg");
        for (int orientation = 1; orientation <= 8; orientation++) {
            byte[] file = TestImages.oriented(plain, orientation);
            try (ImageDecoder decoder = new ImageDecoder(ImageDecoder.DEFAULT_MAX_PIXELS, true); ImageDecoder ignoring = new ImageDecoder()) {
                assertEquals(61, ignoring.decode(file, "x").width());
                RgbImage whole = decoder.decode(file, "x");
                assertEquals(orientation >= 5 ? 43 : 61, whole.width());
                ImageHeader header = decoder.header(file, file.length, "x");
                Wanted wanted = new Wanted(5, 7, 20, 30, 1);
                Picture part = new Picture();
                decoder.decode(file, file.length, "x", header, wanted, true, part);
                for (int y = 7; y < 37; y++) {
                    int from = ((y - part.top()) * part.width() + 5 - part.left()) * 3;
                    assertArrayEquals(Arrays.copyOfRange(whole.pixels(), (y * whole.width() + 5) * 3, (y * whole.width() + 25) * 3),
                            Arrays.copyOfRange(part.pixels(), from, from + 60), "orientation " + orientation + ", row " + y);
                }
            }
        }
    }
}
