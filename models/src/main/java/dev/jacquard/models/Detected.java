package dev.jacquard.models;

import dev.jacquard.layers.Module;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Variable;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A registered architecture, recognised by the names and shapes of its variables.
 *
 * @param row the architecture
 * @param classes number of logits
 * @param channels of the images
 * @param namings whose names they are; several where several call the network's variables the same
 */
record Detected(ModelRow row, int classes, int channels, List<Naming> namings) {
    /** Numbers of variables: most rows of a family are told apart by them. */
    private static final Map<ModelRow, Integer> VARIABLES = new ConcurrentHashMap<>();

    /** All rows that fit; names as in one of the namings, shapes as in files, OIHW. */
    static List<Detected> of(Map<String, Shape> shapes) {
        return Models.rows().stream().map(row -> of(row, shapes)).filter(Objects::nonNull).toList();
    }

    private static Detected of(ModelRow row, Map<String, Shape> shapes) {
        for (Naming first : Naming.values()) {
            int classes = extent(shapes.get(first.name(row.family(), row.head() + ".weight")), 2, 0);
            int channels = extent(shapes.get(first.name(row.family(), row.family().stem() + ".weight")), 4, 1);
            if (classes > 0 && channels > 0) {
                if (VARIABLES.computeIfAbsent(row, r -> r.create(1).variables().size()) != shapes.size()) {
                    return null;
                }
                Module module = row.create(row.defaults().classes(classes).channels(channels));
                List<Naming> fitting = Arrays.stream(Naming.values()).filter(n -> Mismatch.between(shapes, n.entries(module)).none()).toList();
                if (!fitting.isEmpty()) {
                    return new Detected(row, classes, channels, fitting);
                }
            }
        }
        return null;
    }

    /** An extent of a shape that has the rank, or may have it as a 1x1 convolution has; 0 if there is none. */
    private static int extent(Shape shape, int rank, int axis) {
        Shape s = shape == null || shape.rank() == rank ? shape : Rename.Form.matrix(shape);
        return s != null && s.rank() == rank && s.dim(axis) <= Integer.MAX_VALUE ? (int) s.dim(axis) : 0;
    }

    /** Names and shapes of a module's variables as its file has them, in our names. */
    static Map<String, Shape> shapes(Module module) {
        Map<String, Shape> all = new LinkedHashMap<>();
        module.variables().forEach((name, v) -> all.put(name, fileShape(v)));
        return all;
    }

    /** Convolution weights are (K, R, S, C) here and (K, C, R, S) in files; everything else is the same in both. */
    static Shape fileShape(Variable v) {
        Shape s = v.type().shape();
        return s.rank() == 4 ? Shape.of(s.dim(0), s.dim(3), s.dim(1), s.dim(2)) : s;
    }
}
