package dev.jacquard.mixedprecision;

import dev.jacquard.passes.Pass;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import java.util.List;
import java.util.TreeSet;

/**
 * Computes a forward graph in half precision where that is safe; {@link CastPolicy} says where. Variables, inputs and results keep their types, so that weights are masters in F32
 * of which each product reads a copy, cast once per step. A value is cast at most once to each type, and never back to the one it came from. F64, integers and what the model has
 * in half precision already stay as they are.
 *
 * <p>For graphs without gradients, before {@link dev.jacquard.passes.Fusion}: gradients are taken of the result, and have the types of what they are gradients of, since the
 * gradient of a cast is a cast. {@link CastReport} says what was cast, and why.
 *
 * @param type F16 or BF16
 * @param keep paths of modules that compute in F32, with all that is below them; of data movement, which rounds nothing, they do not speak
 */
public record Autocast(DType type, List<String> keep) implements Pass {
    private static final int NEAR = 3;

    /** Takes a copy. @throws CallerException if the type is no half-precision type */
    public Autocast {
        keep = List.copyOf(keep);
        MixedPrecision.requireHalf(type);
    }

    /** {@inheritDoc} @throws CallerException if a path in {@code keep} is that of no node */
    @Override
    public Graph apply(Graph graph) {
        keep.forEach(path -> check(path, graph));
        return new Casting(graph, this).run();
    }

    /** Whether a node is in a module that stays in F32. */
    boolean keeps(Node n) {
        return keep.stream().anyMatch(path -> isBelow(n.label(), path));
    }

    private static boolean isBelow(String label, String path) {
        return label.equals(path) || label.startsWith(path + ".");
    }

    /** Whether a path is that of any node. */
    static boolean isIn(String path, Graph graph) {
        return graph.nodes().stream().anyMatch(n -> isBelow(n.label(), path));
    }

    private static void check(String path, Graph graph) {
        if (!isIn(path, graph)) {
            throw new CallerException("mixed precision", "no module of this name to keep in f32", path, "such as " + String.join(", ", near(path, graph)),
                    "give paths as the printed graph has them behind its nodes");
        }
    }

    /** The modules with the longest beginnings in common with a path. */
    private static List<String> near(String path, Graph graph) {
        TreeSet<String> modules = new TreeSet<>();
        for (Node n : graph.nodes()) {
            for (int at = n.label().length(); at > 0; at = n.label().lastIndexOf('.', at - 1)) {
                modules.add(n.label().substring(0, at));
            }
        }
        return modules.stream().sorted((a, b) -> Integer.compare(common(b, path), common(a, path))).limit(NEAR).toList();
    }

    private static int common(String a, String b) {
        int n = 0;
        while (n < a.length() && n < b.length() && a.charAt(n) == b.charAt(n)) {
            n++;
        }
        return n;
    }
}
