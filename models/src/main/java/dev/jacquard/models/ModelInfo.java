package dev.jacquard.models;

import dev.jacquard.layers.Module;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.MatMul;
import java.util.Collection;

/**
 * What a model costs, counted on its graph.
 *
 * @param parameters learnt numbers
 * @param statistics measured numbers: running means and variances
 * @param macs multiply-adds of convolutions and matrix products for one image in evaluation
 * @param resolution height and width of that image
 */
public record ModelInfo(long parameters, long statistics, long macs, int resolution) {
    /** Counts of a registered model with its own resolution and classes. */
    public static ModelInfo of(ModelRow row) {
        return of(row, row.defaults(), row.resolution());
    }

    /** Counts of a registered model with other options and of another resolution. */
    public static ModelInfo of(ModelRow row, ModelOptions options, int resolution) {
        return of(row.create(options), resolution, options.channels());
    }

    /** Counts of any module of (N, H, W, channels) images. */
    public static ModelInfo of(Module module, int resolution, int channels) {
        GraphBuilder b = new GraphBuilder(false);
        b.output("logits", module.apply(b.input("images", TensorType.f32(1, resolution, resolution, channels))));
        long flops = b.build().expand(_ -> true).nodes().stream() // products are inside of fused ops, too
                .filter(n -> n.op() instanceof Convolution || n.op() instanceof MatMul)
                .mapToLong(n -> Graph.cost(n).flops())
                .sum();
        return new ModelInfo(count(module.parameters()), count(module.statistics()), flops / 2, resolution);
    }

    private static long count(Collection<Variable> variables) {
        return variables.stream().mapToLong(v -> v.type().shape().size()).sum();
    }
}
