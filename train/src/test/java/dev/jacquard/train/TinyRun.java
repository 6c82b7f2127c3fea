package dev.jacquard.train;

import dev.jacquard.data.GeneratedImages;
import dev.jacquard.layers.Activation;
import dev.jacquard.layers.BatchNorm2d;
import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.Dropout;
import dev.jacquard.layers.GlobalAvgPool2d;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Sequential;
import dev.jacquard.tensor.backend.Backend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** A network of one convolution, with dropout, on 60 generated pictures of 12x12: 6 steps an epoch. */
final class TinyRun implements AutoCloseable {
    static final int STEPS = 6;

    final RunFolder folder;
    final Trainer trainer;

    TinyRun(Path path, Backend backend, TrainConfig config, Module module) {
        folder = Files.exists(path.resolve("config.json")) ? RunFolder.resume(path) : RunFolder.create(path);
        boolean opened = false;
        try {
            trainer = Trainer.open(new Trainer.Setup(config, module, backend, new GeneratedImages(1, GeneratedImages.Split.TRAIN, 10 * STEPS),
                    new GeneratedImages(1, GeneratedImages.Split.TEST, 25)), folder);
            opened = true;
        } finally {
            if (!opened) {
                folder.close();
            }
        }
    }

    static Module net() {
        return Sequential.of(new Conv2d(Conv2d.Config.of(3, 8, 3).stride(2)), new BatchNorm2d(8), Activation.RELU.module(), new GlobalAvgPool2d(), new Dropout(0.2),
                new Linear(8, 10));
    }

    static TrainConfig config(int epochs) {
        TrainConfig c = TrainConfig.defaults();
        Map<String, Object> changed = Map.ofEntries(Map.entry("arch", "tiny"), Map.entry("num-classes", 10), Map.entry("image-size", 12), Map.entry("min-scale", 0.5),
                Map.entry("generated-images", 10 * STEPS), Map.entry("generated-val", 25), Map.entry("epochs", epochs), Map.entry("batch", 10), Map.entry("lr", 0.1),
                Map.entry("weight-decay", 1e-4), Map.entry("seed", 3), Map.entry("device", "cpu"), Map.entry("threads", 2), Map.entry("loader-threads", 1),
                Map.entry("log-steps", 1));
        for (Map.Entry<String, Object> e : changed.entrySet()) {
            c = c.with(e.getKey(), e.getValue());
        }
        return c;
    }

    @Override
    public void close() {
        trainer.close();
        folder.close();
    }
}
