package dev.jacquard.models;

import dev.jacquard.layers.Module;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What is between a file and a module; names and shapes are the file's way, OIHW. */
record Mismatch(Map<String, Shape> file, Map<String, Shape> module) {
    private static final int LISTED = 5;

    static Mismatch between(Map<String, Shape> file, Module module) {
        return new Mismatch(file, Detected.shapes(module));
    }

    boolean none() {
        return file.equals(module);
    }

    /** The whole of it as one error. */
    DataException error(String fileName) {
        List<String> missing = absent(module, file);
        List<String> unexpected = absent(file, module);
        List<String> otherShape = module.entrySet().stream()
                .filter(e -> file.containsKey(e.getKey()) && !file.get(e.getKey()).equals(e.getValue()))
                .map(e -> e.getKey() + " " + file.get(e.getKey()) + " where the model has " + e.getValue())
                .toList();
        List<String> parts = new ArrayList<>();
        listed(parts, missing, "missing");
        listed(parts, unexpected, "unexpected");
        listed(parts, otherShape, "of another shape");
        Remedy remedy = remedy();
        return new DataException(fileName, remedy.problem, String.join("; ", parts), "exactly the " + module.size() + " tensors of the model", remedy.what);
    }

    private static List<String> absent(Map<String, Shape> of, Map<String, Shape> in) {
        return of.entrySet().stream().filter(e -> !in.containsKey(e.getKey())).map(e -> e.getKey() + " " + e.getValue()).toList();
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
                if (f.row() == m.row()) {
                    return new Remedy("file has " + f.classes() + " classes, model has " + m.classes(),
                            "make the model with " + f.classes() + " classes, or give weights of " + m.classes());
                }
            }
        }
        if (!found.isEmpty()) {
            return new Remedy("weights of another model", "these look like weights of " + found.getFirst().row().name() + ": pass --arch " + found.getFirst().row().name());
        }
        if (withoutPrefix().equals(module)) {
            return new Remedy("names have a prefix", "take the prefix 'module.' off the names: it is PyTorch's DataParallel's");
        }
        return new Remedy("weights do not fit the model", "give the weights of the same architecture");
    }

    private Map<String, Shape> withoutPrefix() {
        Map<String, Shape> bare = new LinkedHashMap<>();
        file.forEach((name, s) -> bare.put(name.replaceFirst("^module\\.", ""), s));
        return bare;
    }
}
