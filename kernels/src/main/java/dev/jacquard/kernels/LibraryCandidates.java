package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.ConvolutionProblem;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.Epilogue;
import dev.jacquard.kernels.driver.MatrixEngine;
import dev.jacquard.kernels.driver.MatrixLibraries;
import dev.jacquard.kernels.driver.ProductProblem;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.List;

/** Libraries' engines as candidates of products and convolutions; a convolution that is a product has both kinds. Listing them asks the libraries, which can take milliseconds an engine. */
final class LibraryCandidates {
    private LibraryCandidates() {}

    /** The engines for an op on operands of these types, none for ops that no library is asked about. */
    static List<Candidate> of(MatrixLibraries libraries, Op op, List<TensorType> in, Target target) {
        if (libraries == MatrixLibraries.NONE || in.stream().anyMatch(t -> t.dtype() != in.getFirst().dtype() || t.shape().size() == 0)) {
            return List.of();
        }
        DType type = in.getFirst().dtype();
        List<Candidate> all = new ArrayList<>();
        switch (op) {
            case MatMul m -> {
                long[] a = in.get(0).shape().dims();
                long[] b = in.get(1).shape().dims();
                Product p = new Product(a[m.transposeA() ? 1 : 0], b[m.transposeB() ? 0 : 1], a[m.transposeA() ? 0 : 1], m.transposeA(), m.transposeB());
                add(all, libraries.product(problem(p, type, target)), 0, 1);
            }
            case Convolution c -> {
                ConvolutionPass pass = ConvolutionPass.ofTypes(c, in);
                Product p = pass.product();
                if (p != null) {
                    boolean swapped = pass.kind() == ConvolutionPass.Kind.BACKWARD_WEIGHT;
                    add(all, libraries.product(problem(p, type, target)), swapped ? 1 : 0, swapped ? 0 : 1);
                }
                add(all, libraries.convolution(problem(pass, type, target)), 0, 1);
            }
            default -> { }
        }
        return all;
    }

    private static ProductProblem problem(Product p, DType type, Target target) {
        return new ProductProblem(type, target.tf32(), p.m(), p.n(), p.k(), p.transposeA(), p.transposeB(), Epilogue.NONE);
    }

    private static ConvolutionProblem problem(ConvolutionPass p, DType type, Target target) {
        ConvolutionProblem.Pass pass = switch (p.kind()) {
            case FORWARD -> ConvolutionProblem.Pass.FORWARD;
            case BACKWARD_DATA -> ConvolutionProblem.Pass.BACKWARD_DATA;
            case BACKWARD_WEIGHT -> ConvolutionProblem.Pass.BACKWARD_WEIGHT;
        };
        return new ConvolutionProblem(pass, type, target.tf32(), p.window(), p.groups(), p.n(), p.h(), p.w(), p.c(), p.oh(), p.ow(), p.k(), p.r(), p.s(), Epilogue.NONE);
    }

    private static void add(List<Candidate> all, List<MatrixEngine> engines, int a, int b) {
        for (MatrixEngine e : engines) {
            all.add(Candidate.ofLibrary(e.name(), e.workspace(), call -> bind(e, call, a, b)));
        }
    }

    /** An engine on a call's inputs a and b and output 0. */
    private static CudaLaunch bind(MatrixEngine engine, Call call, int a, int b) {
        try {
            return new LibraryLaunch(call.device(), engine.name(), engine.bind(new MatrixEngine.Operands(call.in(a), call.in(b), call.out(0), call.workspace())));
        } catch (DriverException e) {
            throw call.device().translated(engine.name(), e);
        }
    }
}
