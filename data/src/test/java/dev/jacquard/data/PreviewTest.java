package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.Augmentation.AutoAugment;
import dev.jacquard.data.Augmentation.Step;
import dev.jacquard.data.Augmentation.SubPolicy;
import dev.jacquard.data.Preview.Applied;
import dev.jacquard.data.Preview.Draw;
import dev.jacquard.tensor.CallerException;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PreviewTest {
    private static final int COUNT = 60;

    private final ImageSource source = new GeneratedImages(5, GeneratedImages.Split.TRAIN, COUNT);

    @Test
    void aDrawIsThePictureThatTheLoaderMakes() {
        for (Augmentation a : List.of(Augmentation.NONE, Augmentation.autoAugment(OperationRules.PYTORCH), Augmentation.randAugment(3, 12))) {
            Transform.Train transform = Transform.Train.of(32, 0.3).with(a);
            try (Preview preview = new Preview(source, transform, 17); Loader loader = Loader.train(source, transform).batch(20).seed(17).open()) {
                for (int epoch = 0; epoch < 2; epoch++) {
                    int seen = 0;
                    for (Batch b; (b = loader.next()) != null; seen += b.count()) {
                        for (int i = 0; i < b.count(); i++) {
                            byte[] expected = b.images().asSlice(i * b.imageBytes(), b.imageBytes()).toArray(ValueLayout.JAVA_BYTE);
                            assertArrayEquals(expected, preview.draw(b.sample(i), epoch).picture().pixels(), a + ", sample " + b.sample(i) + " in epoch " + epoch);
                        }
                    }
                    assertEquals(COUNT, seen);
                }
            }
        }
    }

    /** Carries out by hand what a draw says of itself. */
    @Test
    void whatIsToldIsWhatWasDone() {
        Transform.Train transform = Transform.Train.of(32, 0.3).with(Augmentation.autoAugment(OperationRules.PYTORCH));
        Set<Operation> met = EnumSet.noneOf(Operation.class);
        boolean[] mirrored = new boolean[2];
        try (Preview preview = new Preview(source, transform, 3); Preview plain = new Preview(source, transform.with(Augmentation.NONE), 3)) {
            for (int sample = 0; sample < COUNT; sample++) {
                for (int epoch = 0; epoch < 4; epoch++) {
                    Draw draw = preview.draw(sample, epoch);
                    Draw before = plain.draw(sample, epoch);
                    Canvas canvas = new Canvas();
                    canvas.reset(32, 32);
                    System.arraycopy(before.picture().pixels(), 0, canvas.pixels(), 0, canvas.length());
                    draw.applied().forEach(a -> a.operation().apply(canvas, a.level(), OperationRules.PYTORCH, null));
                    assertArrayEquals(Arrays.copyOf(canvas.pixels(), canvas.length()), draw.picture().pixels(), draw.toString());
                    assertPartOf(AutoAugment.V0.get(draw.policy()), draw.applied());
                    assertEquals(List.of(before.x(), before.y(), before.width(), before.height(), before.mirrored()),
                            List.of(draw.x(), draw.y(), draw.width(), draw.height(), draw.mirrored()));
                    assertTrue(draw.x() >= 0 && draw.x() + draw.width() <= GeneratedImages.SIZE && draw.y() >= 0 && draw.y() + draw.height() <= GeneratedImages.SIZE,
                            draw.toString());
                    assertEquals(-1, before.policy());
                    draw.applied().forEach(a -> met.add(a.operation()));
                    mirrored[draw.mirrored() ? 1 : 0] = true;
                }
            }
        }
        assertTrue(met.size() >= 9, met.toString());
        assertTrue(mirrored[0] && mirrored[1]);
    }

    private static void assertPartOf(SubPolicy policy, List<Applied> applied) {
        int next = 0;
        for (Step step : List.of(policy.first(), policy.second())) {
            if (next < applied.size() && applied.get(next).operation() == step.operation() && Math.abs(applied.get(next).level()) == step.level()) {
                next++;
            }
        }
        assertEquals(applied.size(), next, applied + " of " + policy);
    }

    @Test
    void originalsKeepTheirShape() {
        try (Preview preview = new Preview(new TestImages.Source(List.of(TestImages.encoded(50, 20, "png"), TestImages.encoded(7, 30, "png"))), Transform.Train.imagenet(25), 1)) {
            Preview.Original wide = preview.original(0, 25);
            assertEquals(List.of(25, 10, 50, 20), List.of(wide.picture().width(), wide.picture().height(), wide.width(), wide.height()));
            Preview.Original tall = preview.original(1, 60);
            assertEquals(List.of(14, 60, 7, 30), List.of(tall.picture().width(), tall.picture().height(), tall.width(), tall.height()));
        }
    }

    @Test
    void thereIsNothingToSeeOfSyntheticBatches() {
        assertThrows(CallerException.class, () -> new Preview(ImageSource.open("synthetic"), Transform.Train.imagenet(32), 1));
    }
}
