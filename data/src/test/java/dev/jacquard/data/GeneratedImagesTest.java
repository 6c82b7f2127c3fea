package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.CallerException;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class GeneratedImagesTest {
    @Test
    void aPictureIsAFunctionOfSeedSplitAndIndex() {
        try (GeneratedImages a = new GeneratedImages(1, GeneratedImages.Split.TRAIN, 200).drawAll(); GeneratedImages b = new GeneratedImages(1, GeneratedImages.Split.TRAIN, 100)) {
            for (int i = 99; i >= 0; i--) {
                assertArrayEquals(a.bytes(i), b.bytes(i), a.name(i));
            }
        }
    }

    @Test
    void noTwoPicturesAreEqualWithinOrAcrossSplitsAndSeeds() {
        Set<String> seen = new HashSet<>();
        int n = 300;
        for (GeneratedImages.Split split : GeneratedImages.Split.values()) {
            for (long seed = 0; seed < 2; seed++) {
                try (GeneratedImages images = new GeneratedImages(seed, split, n)) {
                    for (int i = 0; i < n; i++) {
                        assertTrue(seen.add(new String(images.bytes(i), java.nio.charset.StandardCharsets.ISO_8859_1)), images.name(i));
                    }
                }
            }
        }
    }

    @Test
    void classesAreSortedAndBalanced() {
        try (GeneratedImages images = new GeneratedImages(0, GeneratedImages.Split.TEST, 1000)) {
            assertEquals(10, images.classes().size());
            assertEquals(images.classes(), new TreeSet<>(images.classes()).stream().toList());
            int[] counts = new int[10];
            for (int i = 0; i < 1000; i++) {
                counts[images.label(i)]++;
            }
            for (int c : counts) {
                assertEquals(100, c);
            }
            assertEquals("generated/test/17-star", images.name(17));
        }
    }

    @Test
    void picturesDecodeAsFilesDo() {
        try (GeneratedImages images = new GeneratedImages(5, GeneratedImages.Split.TRAIN, 100); ImageDecoder decoder = new ImageDecoder()) {
            for (int i = 0; i < 100; i++) {
                RgbImage image = decoder.decode(images.bytes(i), images.name(i));
                assertEquals(GeneratedImages.SIZE, image.width());
                assertEquals(GeneratedImages.SIZE, image.height());
            }
        }
    }

    @Test
    void noneIsRefused() {
        assertThrows(CallerException.class, () -> new GeneratedImages(0, GeneratedImages.Split.TRAIN, 0));
    }
}
