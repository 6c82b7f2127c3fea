package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class StageTest {
    private static TrainConfig config(int epochs, int stages) {
        return TrainConfig.defaults().with("epochs", epochs).with("stages", stages);
    }

    /** The example of the EfficientNetV2-S scripts. */
    @Test
    void theTableIsThatOfThePublishedScripts() {
        List<Stage> stages = Stage.of(config(350, 4).with("image-size", 300).with("base-image-size", 128).with("randaugment-magnitude", 15).with("base-magnitude", 5)
                .with("mixup", 0.3)
                .with("cutmix", 0.6).with("base-cutmix", 0.3));
        assertEquals(List.of(171, 214, 257, 300), stages.stream().map(Stage::imageSize).toList());
        assertEquals(List.of(0, 87, 174, 261), stages.stream().map(Stage::firstEpoch).toList());
        assertEquals(List.of(87, 87, 87, 89), stages.stream().map(Stage::epochs).toList());
        assertClose(new double[] {5, 25 / 3.0, 35 / 3.0, 15}, stages.stream().mapToDouble(Stage::magnitude).toArray());
        assertClose(new double[] {0, 0.1, 0.2, 0.3}, stages.stream().mapToDouble(Stage::mixup).toArray());
        assertClose(new double[] {0.3, 0.4, 0.5, 0.6}, stages.stream().mapToDouble(Stage::cutmix).toArray());
        assertEquals(List.of(0, 1, 2, 3), stages.stream().map(Stage::index).toList());
    }

    private static void assertClose(double[] want, double[] got) {
        assertEquals(want.length, got.length);
        IntStream.range(0, want.length).forEach(i -> assertEquals(want[i], got[i], 1e-12));
    }

    @Test
    void oneStageIsTheTarget() {
        TrainConfig c = config(8, 1).with("image-size", 224).with("mixup", 0.2).with("randaugment-magnitude", 10);
        assertEquals(List.of(new Stage(0, 0, 8, 224, 10, 0.2, 0)), Stage.of(c));
    }

    @Test
    void everyEpochIsOfOneStage() {
        for (int epochs : new int[] {3, 7, 10}) {
            List<Stage> stages = Stage.of(config(epochs, 3).with("image-size", 128));
            for (int e = 0; e < epochs; e++) {
                int epoch = e;
                assertEquals(1, stages.stream().filter(s -> s.has(epoch)).count(), "epoch " + e + " of " + epochs);
            }
            assertTrue(stages.getLast().has(epochs - 1));
            assertFalse(stages.getLast().has(epochs));
        }
    }

    @Test
    void sizesMayAlsoShrink() {
        List<Stage> stages = Stage.of(config(4, 2).with("image-size", 100).with("base-image-size", 201));
        assertEquals(List.of(150, 100), stages.stream().map(Stage::imageSize).toList());
    }
}
