package dev.jacquard.models;

import java.util.List;

/**
 * What an image goes through before a model sees it: scaled so that the shorter side is {@code resolution / crop}, cut to the middle, divided by 255, and
 * normalised per channel.
 *
 * @param mean subtracted from red, green, blue in [0, 1]
 * @param std what the difference is divided by
 * @param crop share of the shorter side that is kept
 */
public record Preprocessing(List<Double> mean, List<Double> std, double crop) {
    /** What networks trained on ImageNet expect: 224 of 256 pixels. */
    public static final Preprocessing IMAGENET = new Preprocessing(List.of(0.485, 0.456, 0.406), List.of(0.229, 0.224, 0.225), 224.0 / 256);

    /** Takes copies. */
    public Preprocessing {
        mean = List.copyOf(mean);
        std = List.copyOf(std);
    }
}
