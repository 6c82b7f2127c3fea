package dev.jacquard.models;

import java.util.List;

/**
 * What an image goes through before a model sees it in evaluation: scaled and cut to the middle in the order of the rule, divided by 255, and normalised per channel.
 *
 * @param mean subtracted from red, green, blue in [0, 1]
 * @param std what the difference is divided by
 * @param crop share of the shorter side that is kept
 * @param rule which comes first
 * @param interpolation how the image is scaled
 */
public record Preprocessing(List<Double> mean, List<Double> std, double crop, Rule rule, Interpolation interpolation) {
    private static final List<Double> MEAN = List.of(0.485, 0.456, 0.406);
    private static final List<Double> STD = List.of(0.229, 0.224, 0.225);
    private static final int MARGIN = 32;

    /** What networks trained on ImageNet expect: the shorter side to 256 pixels, of which the middle 224. */
    public static final Preprocessing IMAGENET = nvidia(224, Interpolation.BILINEAR);

    /** Order of scaling and cutting. */
    public enum Rule {
        /** The shorter side is scaled to {@code resolution / crop}, then the middle is cut out: PyTorch and Paddle. */
        RESIZE_THEN_CROP,
        /** A square of {@code crop} times the shorter side is cut from the middle, then scaled to the resolution: TensorFlow. */
        CROP_THEN_RESIZE
    }

    /** Ways of scaling. */
    public enum Interpolation {
        /** Linear in both directions. */
        BILINEAR,
        /** Cubic in both directions. */
        BICUBIC
    }

    /** Takes copies. */
    public Preprocessing {
        mean = List.copyOf(mean);
        std = List.copyOf(std);
    }

    /** NVIDIA's for PyTorch, and at 224 also for Paddle: the shorter side is scaled to the resolution and 32. */
    static Preprocessing nvidia(int resolution, Interpolation interpolation) {
        return new Preprocessing(MEAN, STD, (double) resolution / (resolution + MARGIN), Rule.RESIZE_THEN_CROP, interpolation);
    }

    /** torchvision's for EfficientNet. @param shorter what the shorter side is scaled to, bicubically, in pixels */
    static Preprocessing torchvision(int resolution, int shorter) {
        return new Preprocessing(MEAN, STD, (double) resolution / shorter, Rule.RESIZE_THEN_CROP, Interpolation.BICUBIC);
    }

    /** NVIDIA's for TensorFlow: the same share of the image, but cut first; bilinear in all networks. */
    Preprocessing tensorflow() {
        return new Preprocessing(mean, std, crop, Rule.CROP_THEN_RESIZE, Interpolation.BILINEAR);
    }
}
