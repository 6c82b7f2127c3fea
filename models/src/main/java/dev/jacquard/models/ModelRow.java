package dev.jacquard.models;

import dev.jacquard.layers.Module;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * A model as data.
 *
 * @param name as in {@code --arch}
 * @param aliases other names that it is found by
 * @param family what it is a member of
 * @param architecture makes the model
 * @param defaults the model's own options
 * @param resolution height and width that it is trained and measured at, in pixels
 * @param preprocessing what images go through first
 * @param source where the architecture is written down: paper, and whose names and details it follows
 */
public record ModelRow(String name, List<String> aliases, Family family, Function<ModelOptions, Module> architecture, ModelOptions defaults, int resolution,
        Preprocessing preprocessing, String source) {
    /** Takes a copy of the aliases. */
    public ModelRow {
        aliases = List.copyOf(aliases);
    }

    /** A model: (N, H, W, channels) to logits (N, classes). */
    public Module create(ModelOptions options) {
        return architecture.apply(options);
    }

    /** A model of a number of classes, with the row's other options. */
    public Module create(int classes) {
        return create(defaults.classes(classes));
    }

    /** This model with the constants that a system has for it: options, resolution, preprocessing; empty if the system does not have the network. */
    public Optional<ModelRow> as(Origin origin) {
        return switch (family) {
            case RESNET -> ResNet.as(this, origin);
            case EFFICIENTNET -> EfficientNet.as(this, origin);
        };
    }

    ModelRow with(ModelOptions options) {
        return with(options, resolution, preprocessing);
    }

    ModelRow with(ModelOptions options, int pixels, Preprocessing other) {
        return new ModelRow(name, aliases, family, architecture, options, pixels, other, source);
    }

    /** Number of classes of the published weights. */
    public int classes() {
        return defaults.classes();
    }

    /** Path of the linear layer that makes the logits: its weight is (classes, features). */
    public String head() {
        return family.head();
    }
}
