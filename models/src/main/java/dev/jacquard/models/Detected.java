package dev.jacquard.models;

import dev.jacquard.layers.Module;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Variable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A registered architecture, recognised by the names and shapes of its variables. */
record Detected(ModelRow row, int classes) {
    /** All rows that fit; names and shapes as in files, OIHW. */
    static List<Detected> of(Map<String, Shape> shapes) {
        return Models.rows().stream().map(row -> of(row, shapes)).filter(Objects::nonNull).toList();
    }

    private static Detected of(ModelRow row, Map<String, Shape> shapes) {
        Shape head = shapes.get(row.head() + ".weight");
        if (head == null || head.rank() != 2 || head.dim(0) < 1 || head.dim(0) > Integer.MAX_VALUE) {
            return null;
        }
        int classes = (int) head.dim(0);
        return shapes.equals(shapes(row.create(classes))) ? new Detected(row, classes) : null;
    }

    /** Names and shapes of a module's variables as its file has them. */
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
