package dev.jacquard.models;

/** Families of architectures. What is said here holds for all members. */
public enum Family {
    /** Residual networks, ResNeXt and SE-ResNeXt; see {@link ResNet}. */
    RESNET("conv1", "fc"),
    /** EfficientNet, with gates of either width; see {@link EfficientNet}. */
    EFFICIENTNET("features.0.0", "classifier.1");

    private final String stem;
    private final String head;

    Family(String stem, String head) {
        this.stem = stem;
        this.head = head;
    }

    /** Path of the first convolution: its weight is (K, R, S, channels). */
    public String stem() {
        return stem;
    }

    /** Path of the linear layer that makes the logits: its weight is (classes, features). */
    public String head() {
        return head;
    }
}
