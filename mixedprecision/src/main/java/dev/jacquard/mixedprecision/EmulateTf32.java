package dev.jacquard.mixedprecision;

import dev.jacquard.passes.Pass;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.FusedProduct;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Pointwise.RoundTf32;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * TF32 for devices that have none: the two operands of every F32 matrix product and convolution, forward and backward, go through {@link RoundTf32} first, once each however many
 * products read them; sums stay in F32. The operands then are bit for bit those that the CUDA kernels multiply, and results differ from theirs only as sums in another order do.
 *
 * <p>For whole graphs, gradients included: each product is rounded as it stands, and no gradient is taken of a rounding. Before {@code Fusion}, which still finds its chains behind
 * the roundings, or after it. Left as they are:
 *
 * <ul>
 * <li>depthwise convolutions, which tensor cores are not used for;
 * <li>the two small products within {@code SqueezeExcite}, of which the same holds in our kernels;
 * <li>operands that were cast from F16 or BF16, whose mantissas are no longer than TF32's.
 * </ul>
 */
public final class EmulateTf32 implements Pass {
    /** What a backend's graphs need: this pass where it is asked for and the backend has no TF32 itself, else nothing. */
    public static Pass on(Backend backend) {
        return backend.emulatesTf32() ? new EmulateTf32() : g -> g;
    }

    @Override
    public Graph apply(Graph graph) {
        Map<Tensor, Tensor> rounded = new IdentityHashMap<>();
        return graph.rewrite((node, in) -> {
            if (!isProduct(node)) {
                return null;
            }
            List<Tensor> operands = new ArrayList<>(in);
            for (int i = 0; i < 2; i++) {
                operands.set(i, rounded.computeIfAbsent(in.get(i), EmulateTf32::round));
            }
            return ((Symbol) in.getFirst()).builder().apply(node.op(), operands);
        });
    }

    /** Whether TF32 changes what a node computes. */
    private static boolean isProduct(Node n) {
        Op op = n.op();
        boolean multiplies = op instanceof MatMul || op instanceof Convolution || op instanceof FusedProduct;
        return multiplies && n.inputs().stream().limit(2).allMatch(s -> s.type().dtype() == DType.F32) && !isDepthwise(n);
    }

    /** One input channel per group. */
    private static boolean isDepthwise(Node n) {
        int groups = switch (n.op()) {
            case Convolution.Conv2d c -> c.groups();
            case Convolution.Conv2dBackwardData c -> c.groups();
            case Convolution.Conv2dBackwardWeight c -> c.groups();
            case FusedProduct.ConvolutionScaleShift c -> c.groups();
            case FusedProduct.ConvolutionStatistics c -> c.groups();
            default -> 1;
        };
        Symbol weights = n.op() instanceof Convolution.Conv2dBackwardWeight ? n.outputs().getFirst() : n.inputs().get(1); // (K, R, S, C/groups)
        return groups > 1 && weights.type().shape().dim(-1) == 1;
    }

    private static Tensor round(Tensor operand) {
        Node from = ((Symbol) operand).node();
        boolean fits = from.op() instanceof RoundTf32 || from.op() instanceof Movement.Cast && from.inputs().getFirst().type().dtype().isHalf();
        return fits ? operand : operand.apply(new RoundTf32());
    }
}
