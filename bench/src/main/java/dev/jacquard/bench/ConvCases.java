package dev.jacquard.bench;

import dev.jacquard.bench.ConvCase.Epilogue;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.GatedConvolution;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Window;
import dev.jacquard.train.NetworkStep;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The convolutions that {@link ConvSweep} times. */
final class ConvCases {
    /** Those whose times beside other libraries' are on record. */
    static final String BASELINE = "baseline";

    /** Networks whose graphs say the others. */
    static final List<String> NETWORKS = List.of("resnet50", "se-resnext101-32x4d", "efficientnet-b0");

    private static final int BASELINE_BATCH = 8;
    private static final int PIXELS = 224;

    private ConvCases() {}

    /** All: the baseline's, then the networks' in the order in which they have them. @param batch of the networks' @param backend that the networks' epilogues are fused for */
    static List<ConvCase> all(int batch, Backend backend) {
        List<ConvCase> all = new ArrayList<>(baseline());
        Map<String, ConvCase> distinct = new LinkedHashMap<>();
        for (String network : NETWORKS) {
            of(network, batch, backend).forEach(found -> distinct.merge(found.name(), found, ConvCases::both));
        }
        all.addAll(distinct.values());
        return List.copyOf(all);
    }

    /** Convolutions of one shape are one case, with the first one's epilogue. */
    private static ConvCase both(ConvCase first, ConvCase second) {
        Set<String> names = new TreeSet<>(first.networks());
        names.addAll(second.networks());
        return first.from(names);
    }

    static List<ConvCase> baseline() {
        return List.of(
                square(56, 64, 64, 3, 1, Nonlinearity.RELU),
                square(56, 256, 64, 1, 1, Nonlinearity.RELU),
                square(14, 256, 256, 3, 1, Nonlinearity.RELU),
                square(7, 512, 2048, 1, 1, Nonlinearity.RELU),
                square(112, 96, 96, 3, 96, Nonlinearity.SILU),
                square(14, 672, 672, 5, 672, Nonlinearity.SILU),
                square(28, 256, 256, 3, 32, Nonlinearity.RELU));
    }

    private static ConvCase square(int size, int c, int k, int r, int groups, Nonlinearity activation) {
        return new ConvCase(Set.of(BASELINE), BASELINE_BATCH, size, size, c, k, r, r, Window.of(1, r / 2), groups, new Epilogue(activation, false));
    }

    /** The convolutions of a network's evaluation. */
    static List<ConvCase> of(String network, int batch, Backend backend) {
        Graph graph = NetworkStep.of(NetworkStep.Work.INFER, network, batch, PIXELS, null).graph(backend);
        List<ConvCase> all = new ArrayList<>();
        for (Node node : graph.nodes()) {
            if (node.op() instanceof ConvolutionScaleShift op) {
                all.add(of(network, node, op.product(), new Epilogue(op.activation(), op.residual())));
            } else if (node.op() instanceof GatedConvolution op) { // the same shape without the gate, as gradients of training have it
                all.add(of(network, node, op.product(), new Epilogue(op.activation(), op.residual())));
            } else if (node.op() instanceof Conv2d op) {
                all.add(of(network, node, op, new Epilogue(Nonlinearity.NONE, false)));
            }
        }
        return all;
    }

    private static ConvCase of(String network, Node node, Conv2d op, Epilogue epilogue) {
        Shape x = node.inputs().get(0).type().shape();
        Shape w = node.inputs().get(1).type().shape();
        return new ConvCase(Set.of(network), x.intDim(0), x.intDim(1), x.intDim(2), x.intDim(3), w.intDim(0), w.intDim(1), w.intDim(2), op.window(), op.groups(), epilogue);
    }
}
