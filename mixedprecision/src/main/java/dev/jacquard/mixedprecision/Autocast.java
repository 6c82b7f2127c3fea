package dev.jacquard.mixedprecision;

import dev.jacquard.passes.Pass;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.graph.Graph;
import java.util.List;

/**
 * Computes a forward graph in half precision where that is safe; see {@link MixedPrecision}. For graphs without gradients: those are taken of the result.
 *
 * @param type F16 or BF16
 * @param keep paths of modules that stay in F32
 */
public record Autocast(DType type, List<String> keep) implements Pass {
    @Override
    public Graph apply(Graph graph) {
        return graph; // to be written by the owner of this part
    }
}
