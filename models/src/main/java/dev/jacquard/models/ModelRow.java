package dev.jacquard.models;

import dev.jacquard.layers.Module;
import java.util.function.IntFunction;

/**
 * A model as data.
 *
 * @param name as in {@code --arch}
 * @param create makes the model for a number of classes
 * @param resolution height and width that it is trained and measured at, in pixels
 * @param classes number of classes of the published weights
 * @param preprocessing what images go through first
 * @param head path of the linear layer that makes the logits: its weight is (classes, features)
 * @param source where the architecture is written down: paper, and whose names and details it follows
 */
public record ModelRow(String name, IntFunction<Module> create, int resolution, int classes, Preprocessing preprocessing, String head, String source) {}
