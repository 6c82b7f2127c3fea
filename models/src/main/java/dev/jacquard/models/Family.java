package dev.jacquard.models;

import dev.jacquard.layers.Module;
import java.util.Optional;

/** Families of architectures. What is said here holds for all members. */
public enum Family {
    /** Residual networks, ResNeXt and SE-ResNeXt; see {@link ResNet}. */
    RESNET("ResNet", "conv1", "fc"),
    /** EfficientNet, with gates of either width; see {@link EfficientNet}. */
    EFFICIENTNET("EfficientNet", "features.0.0", "classifier.1");

    private final String title;
    private final String stem;
    private final String head;

    Family(String title, String stem, String head) {
        this.title = title;
        this.stem = stem;
        this.head = head;
    }

    /** As people write it. */
    @Override
    public String toString() {
        return title;
    }

    /** Path of the first convolution: its weight is (K, R, S, channels). */
    public String stem() {
        return stem;
    }

    /** Path of the linear layer that makes the logits: its weight is (classes, features). */
    public String head() {
        return head;
    }

    /** The family that a model belongs to; empty for modules that are put together by hand. */
    public static Optional<Family> of(Module module) {
        return switch (module) {
            case ResNet _ -> Optional.of(RESNET);
            case EfficientNet _ -> Optional.of(EFFICIENTNET);
            default -> Optional.empty();
        };
    }
}
