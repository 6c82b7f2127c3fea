package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Real files from ../shared/data; skipped where they are absent. */
class RealImagesTest {
    @Test
    void cifarDecodes() {
        try (ImageSource source = ImageSource.open(SharedData.require("cifar10-test.tar")); ImageDecoder decoder = new ImageDecoder()) {
            assertEquals(List.of("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"), source.classes());
            assertEquals(10_000, source.size());
            assertEquals(0, source.label(999));
            assertEquals(1, source.label(1000));
            assertEquals(9, source.label(9999));
            assertTrue(source.name(1001).endsWith("cifar10-test.tar!test/automobile/0001.jpg"), source.name(1001));
            for (int i = 0; i < 500; i++) {
                RgbImage image = decoder.decode(source.bytes(i), source.name(i));
                assertEquals(32, image.width());
                assertEquals(32, image.height());
            }
        }
    }

    @Test
    void photosDecodeAndAreCutTo224() {
        try (ImageSource source = ImageSource.open(SharedData.require("photos.tar")); Loader loader = Loader.evaluate(source, Transform.Eval.of(224)).batch(16).open()) {
            assertEquals(List.of("photos"), source.classes());
            assertEquals(141, source.size());
            int images = 0;
            int gray = 0;
            for (Batch b; (b = loader.next()) != null;) {
                for (int i = 0; i < b.count(); i++, images++) {
                    byte[] pixels = b.images().asSlice(i * b.imageBytes(), b.imageBytes()).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
                    boolean allGray = true;
                    long sum = 0;
                    for (int p = 0; p < pixels.length; p += 3) {
                        allGray &= pixels[p] == pixels[p + 1] && pixels[p] == pixels[p + 2];
                        sum += pixels[p] & 255;
                    }
                    gray += allGray ? 1 : 0;
                    double mean = sum * 3.0 / pixels.length;
                    assertTrue(mean > 5 && mean < 250, source.name(b.sample(i)) + " has mean " + mean);
                }
            }
            assertEquals(141, images);
            assertEquals(0, loader.badImages());
            assertTrue(gray >= 23, "23 of the photographs are stored as grayscale, found " + gray);
        }
    }
}
