package dev.jacquard.data;

/**
 * What turns an 8-bit channel value {@code v} into a network's input: {@code (v / 255 - mean) / std}, per channel in the
 * order red, green, blue. Data only: the pipeline hands out 8-bit pixels and the device applies this.
 */
public record Normalization(float meanRed, float meanGreen, float meanBlue, float stdRed, float stdGreen, float stdBlue) {
    /** The constants of ImageNet that torchvision, timm and NVIDIA's recipes share. */
    public static final Normalization IMAGENET = new Normalization(0.485f, 0.456f, 0.406f, 0.229f, 0.224f, 0.225f);

    /** The means (3), a fresh array. */
    public float[] mean() {
        return new float[] {meanRed, meanGreen, meanBlue};
    }

    /** The standard deviations (3), a fresh array. */
    public float[] std() {
        return new float[] {stdRed, stdGreen, stdBlue};
    }
}
