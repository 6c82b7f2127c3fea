package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.jacquard.data.ImageSource;
import dev.jacquard.data.Loader;
import dev.jacquard.data.Transform;
import dev.jacquard.tensor.CallerException;
import org.junit.jupiter.api.Test;

/** What a run says of its loader reaches it. */
class LoaderSettingsTest {
    @Test
    void theDepthOfTheRing() {
        TrainConfig config = TrainConfig.defaults();
        try (ImageSource source = ImageSource.open("synthetic:2:32")) {
            for (TrainConfig c : new TrainConfig[] {config, config.with("loader-depth", 7)}) {
                try (Loader loader = Experiment.open(Loader.train(source, Transform.Train.of(8, 0.5)).batch(4), c)) {
                    assertEquals(c == config ? 3 : 7, loader.depth());
                }
            }
        }
        assertThrows(CallerException.class, () -> config.with("loader-depth", 1));
    }
}
