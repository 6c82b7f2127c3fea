package dev.jacquard.cli;

import dev.jacquard.kernels.Arithmetic;
import dev.jacquard.kernels.MatrixSamples;
import dev.jacquard.models.Models;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import dev.jacquard.train.NetworkStep;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * A matrix product or a convolution that {@code jacquard kernels compare} measures.
 *
 * @param name in tables; cases are chosen by parts of it
 * @param group what is summed up together
 * @param sample op and operands
 * @param arithmetic what they are computed in
 * @param goals what our kernels should reach
 */
record MatrixCase(String name, String group, Sample sample, Arithmetic arithmetic, List<Goal> goals) {
    static final String PRODUCTS = "products";
    private static final String RESNET = "resnet50";
    private static final String EFFICIENTNET = "efficientnet-b0";
    private static final List<String> PASSES = List.of("forward", "backward-data", "backward-weight");
    /** Of a library's speed, which own convolutions should reach. */
    private static final double CONVOLUTION = 0.7;

    /**
     * How many times as fast as something else our kernels should be.
     *
     * @param engines beginning of the names of those that are meant
     * @param atLeast times
     * @param rival case whose best of ours is meant; empty for the best of the libraries in this one
     */
    record Goal(String engines, double atLeast, String rival) {}

    /** What the cases are made with. @param square rows and columns of the products @param px of images; 0 for each network's own @param batch images */
    record Sizes(long square, int px, int batch) {}

    /** Whether it shows a rate of the device: large dense products do. */
    boolean showsRate() {
        return group.equals(PRODUCTS);
    }

    /**
     * All of them, the most telling first, since a budget of time cuts the end off: products in each arithmetic, 2:4 sparse ones, then the distinct convolutions of networks, first
     * in what mixed precision trains in.
     */
    static List<MatrixCase> all(Sizes s) {
        List<MatrixCase> all = new ArrayList<>();
        for (long square : new long[] {s.square, 2 * s.square}) {
            for (Arithmetic a : Arithmetic.values()) {
                List<Goal> goals = a == Arithmetic.F16 && square == s.square ? List.of(new Goal("mma ", 0.7, ""), new Goal("wgmma ", 0.85, "")) : List.of();
                all.add(new MatrixCase(product(square, a), PRODUCTS, MatrixSamples.product(a, square, square, square), a, goals));
            }
        }
        for (Arithmetic a : List.of(Arithmetic.F16, Arithmetic.I8)) {
            Goal goal = new Goal("mma.sp", 1.4, product(s.square, a));
            all.add(new MatrixCase("sparse " + product(s.square, a), "sparse", MatrixSamples.sparse(a, s.square, s.square, s.square), a, List.of(goal)));
        }
        all.addAll(convolutions(RESNET, RESNET, Arithmetic.F16, s, PASSES, _ -> true));
        all.addAll(convolutions("se-resnext101-32x4d", "grouped 3x3", Arithmetic.F16, s, PASSES, c -> c.op.groups() > 1));
        all.addAll(convolutions(EFFICIENTNET, EFFICIENTNET, Arithmetic.F16, s, PASSES.subList(0, 1), _ -> true));
        all.addAll(convolutions(RESNET, RESNET, Arithmetic.TF32, s, PASSES, _ -> true));
        all.addAll(convolutions(EFFICIENTNET, EFFICIENTNET, Arithmetic.F16, s, PASSES.subList(1, PASSES.size()), _ -> true));
        return List.copyOf(all);
    }

    private static String product(long square, Arithmetic a) {
        return "matmul " + square + " " + a;
    }

    /** A convolution of a network. */
    private record Layer(Conv2d op, TensorType x, TensorType w) {
        /** {@code 56x56x64 to 128, 3x3 stride 2, 32 groups}. */
        @Override
        public String toString() {
            Window window = op.window();
            return "%dx%dx%d to %d, %dx%d".formatted(x.shape().dim(1), x.shape().dim(2), x.shape().dim(3), w.shape().dim(0), w.shape().dim(1), w.shape().dim(2))
                    + (window.strideH() == 1 ? "" : " stride " + window.strideH()) + (op.groups() == 1 ? "" : ", " + op.groups() + " groups");
        }
    }

    private static List<MatrixCase> convolutions(String arch, String group, Arithmetic arithmetic, Sizes s, List<String> passes, Predicate<Layer> chosen) {
        Graph graph = NetworkStep.of(NetworkStep.Work.INFER, arch, s.batch, s.px, null).forward();
        List<Layer> layers = graph.nodes().stream().filter(n -> n.op() instanceof Conv2d).map(MatrixCase::layer).distinct()
                .filter(l -> l.x.shape().dim(1) * l.x.shape().dim(2) > 1 && chosen.test(l)).toList(); // on one pixel it is a small product
        List<Goal> goals = group.equals(RESNET) ? List.of(new Goal("", CONVOLUTION, "")) : List.of();
        List<MatrixCase> all = new ArrayList<>();
        for (String pass : passes) {
            for (Layer l : layers) {
                boolean pixels = l.x.shape().dim(3) == Models.row(arch).defaults().channels();
                if (!(pixels && pass.equals("backward-data"))) { // nobody asks for the gradient with respect to pixels
                    Sample sample = MatrixSamples.passes(arithmetic, l.op, l.x, l.w).get(PASSES.indexOf(pass));
                    all.add(new MatrixCase(arch + " " + pass + " " + l + " " + arithmetic, group + " " + pass + " " + arithmetic, sample, arithmetic, goals));
                }
            }
        }
        return all;
    }

    private static Layer layer(Node n) {
        List<TensorType> in = Graph.types(n.inputs());
        return new Layer((Conv2d) n.op(), in.get(0), in.get(1));
    }
}
