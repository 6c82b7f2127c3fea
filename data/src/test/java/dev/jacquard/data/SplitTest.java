package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DataException;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SplitTest {
    @Test
    void everyTenthOfEachClassIsHeldOut() {
        try (GeneratedImages all = new GeneratedImages(3, GeneratedImages.Split.TRAIN, 200)) {
            Split s = Split.everyNth(all, 10, "--data");
            assertEquals(180, s.train().size());
            assertEquals(20, s.val().size());
            assertEquals(all.classes(), s.val().classes());
            int[] perClass = new int[10];
            Set<String> names = new HashSet<>();
            for (int i = 0; i < s.val().size(); i++) {
                perClass[s.val().label(i)]++;
                names.add(s.val().name(i));
            }
            for (int n : perClass) {
                assertEquals(2, n);
            }
            for (int i = 0; i < s.train().size(); i++) {
                assertTrue(names.add(s.train().name(i)), "an image in both parts");
            }
        }
    }

    @Test
    void smallClassesGiveOne() {
        try (GeneratedImages all = new GeneratedImages(3, GeneratedImages.Split.TRAIN, 50)) {
            assertEquals(10, Split.everyNth(all, 10, "--data").val().size());
        }
    }

    @Test
    void singleImagesAreRefused() {
        try (GeneratedImages all = new GeneratedImages(3, GeneratedImages.Split.TRAIN, 10)) {
            assertTrue(assertThrows(DataException.class, () -> Split.everyNth(all, 10, "--data x")).getMessage().contains("too few images"));
        }
    }
}
