package dev.jacquard.models;

import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What is between a file and a module; names are the file's, shapes as in files, OIHW. */
record Mismatch(Map<String, Shape> file, Map<String, Shape> module) {
    private static final int LISTED = 5;
    private static final int LONGEST = 100;

    static Mismatch between(Map<String, Shape> file, Map<String, Naming.Entry> module) {
        Map<String, Shape> shapes = new LinkedHashMap<>();
        module.forEach((name, e) -> shapes.put(name, e.shape()));
        return new Mismatch(file, shapes);
    }

    /** Whether the file has exactly the module's tensors. */
    boolean none() {
        return file.keySet().equals(module.keySet()) && otherShape().isEmpty();
    }

    /** Names of tensors that both have, of different shapes. */
    List<String> otherShape() {
        return module.keySet().stream().filter(n -> file.containsKey(n) && !same(file.get(n), module.get(n))).toList();
    }

    /** A matrix and its 1x1 convolution are the same numbers in the same order; NVIDIA's gates are found as either. */
    private static boolean same(Shape a, Shape b) {
        return a.equals(b) || Rename.Form.matrix(a).equals(Rename.Form.matrix(b));
    }

    /** How many names both have. */
    long common() {
        return module.keySet().stream().filter(file::containsKey).count();
    }

    /** The whole of it as one error. */
    DataException error(String fileName) {
        List<String> missing = absent(module, file);
        List<String> unexpected = absent(file, module);
        List<String> otherShape = otherShape().stream().map(n -> n + " " + file.get(n) + " where the model has " + module.get(n)).toList();
        List<String> parts = new ArrayList<>();
        listed(parts, missing, "missing");
        listed(parts, unexpected, "unexpected");
        listed(parts, otherShape, "of another shape");
        Remedy remedy = remedy();
        return new DataException(fileName, remedy.problem, String.join("; ", parts), "exactly the " + module.size() + " tensors of the model", remedy.what);
    }

    private static List<String> absent(Map<String, Shape> of, Map<String, Shape> in) {
        return of.entrySet().stream().filter(e -> !in.containsKey(e.getKey())).map(e -> printable(e.getKey()) + " " + e.getValue()).toList();
    }

    /** A text of a file, on one line and not too long for it. */
    static String printable(String text) {
        String line = text.replaceAll("[\\p{Cntrl}\u2028\u2029]", "?");
        return line.length() <= LONGEST ? line : line.substring(0, LONGEST) + "...";
    }

    private static void listed(List<String> parts, List<String> names, String what) {
        if (!names.isEmpty()) {
            String more = names.size() > LISTED ? ", ..." : "";
            parts.add(names.size() + " " + what + ": " + String.join(", ", names.subList(0, Math.min(LISTED, names.size()))) + more);
        }
    }

    private record Remedy(String problem, String what) {}

    private Remedy remedy() {
        List<Detected> found = Detected.of(file);
        List<Detected> wanted = Detected.of(module);
        for (Detected f : found) {
            for (Detected m : wanted) {
                if (f.row() == m.row() && f.channels() != m.channels()) {
                    return new Remedy("file is for images of " + f.channels() + " channels, model for " + m.channels(), "make the model with " + f.channels() + " channels");
                }
                if (f.row() == m.row()) {
                    return new Remedy("file has " + f.classes() + " classes, model has " + m.classes(),
                            "make the model with " + f.classes() + " classes, give weights of " + m.classes() + ", or have the head replaced (train --num-classes "
                            + m.classes() + ")");
                }
            }
        }
        if (!found.isEmpty()) {
            return new Remedy("weights of another model", "these look like weights of " + found.getFirst().row().name() + ": pass --arch " + found.getFirst().row().name());
        }
        if (file.keySet().stream().anyMatch(n -> n.contains(".se_module."))) {
            return new Remedy("weights of timm's legacy SE networks", "they pool without padding, which is another network: give those of seresnext101_32x4d");
        }
        return new Remedy("weights do not fit the model", "give the weights of the same architecture");
    }
}
