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
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Libraries' engines as candidates of products and convolutions; a convolution that is a product has both kinds. Listing them asks the libraries, which can take milliseconds an
 * engine.
 */
final class LibraryCandidates {
    private static final int NONE = -1;

    private LibraryCandidates() {}

    /** The engines for an op on operands of these types, none for ops that no library is asked about. */
    static List<Candidate> of(MatrixLibraries libraries, Op op, List<TensorType> in, Target target) {
        if (libraries == MatrixLibraries.NONE || in.stream().anyMatch(t -> t.shape().size() == 0) || !sameTypes(op, in)) {
            return List.of();
        }
        DType type = in.getFirst().dtype();
        List<Candidate> all = new ArrayList<>();
        switch (op) {
            case MatMul m -> add(all, libraries.product(problem(Product.of(m, in), type, target, Epilogue.NONE)), Inputs.of(0, 1));
            case MatMulShift m -> {
                Epilogue shift = new Epilogue(false, true, false, activation(m.activation()));
                add(all, libraries.product(problem(Product.of(m.product(), in), type, target, shift)), new Inputs(0, 1, NONE, 2, NONE));
            }
            case ConvolutionScaleShift c -> {
                Epilogue epilogue = new Epilogue(true, true, c.residual(), activation(c.activation()));
                add(all, libraries.convolution(problem(ConvolutionPass.ofTypes(c.product(), in), type, target, epilogue)), new Inputs(0, 1, 2, 3, c.residual() ? 4 : NONE));
            }
            case Convolution c -> {
                ConvolutionPass pass = ConvolutionPass.ofTypes(c, in);
                Product p = pass.product();
                if (p != null) {
                    boolean swapped = pass.kind() == ConvolutionPass.Kind.BACKWARD_WEIGHT;
                    add(all, libraries.product(problem(p, type, target, Epilogue.NONE)), swapped ? Inputs.of(1, 0) : Inputs.of(0, 1));
                }
                add(all, libraries.convolution(problem(pass, type, target, Epilogue.NONE)), Inputs.of(0, 1));
            }
            default -> { }
        }
        return all;
    }

    /** Whether operands are of one type, and what is per channel is of the wide type of that: what the problems mean. */
    private static boolean sameTypes(Op op, List<TensorType> in) {
        DType type = in.getFirst().dtype();
        return IntStream.range(0, in.size()).allMatch(i -> in.get(i).dtype() == (op.wide(i) ? type.wide() : type));
    }

    private static Epilogue.Activation activation(Nonlinearity f) {
        return switch (f) {
            case NONE -> Epilogue.Activation.NONE;
            case RELU -> Epilogue.Activation.RELU;
            case SILU -> Epilogue.Activation.SILU;
        };
    }

    private static ProductProblem problem(Product p, DType type, Target target, Epilogue epilogue) {
        return new ProductProblem(type, target.tf32(), p.m(), p.n(), p.k(), p.transposeA(), p.transposeB(), epilogue);
    }

    private static ConvolutionProblem problem(ConvolutionPass p, DType type, Target target, Epilogue epilogue) {
        ConvolutionProblem.Pass pass = switch (p.kind()) {
            case FORWARD -> ConvolutionProblem.Pass.FORWARD;
            case BACKWARD_DATA -> ConvolutionProblem.Pass.BACKWARD_DATA;
            case BACKWARD_WEIGHT -> ConvolutionProblem.Pass.BACKWARD_WEIGHT;
        };
        return new ConvolutionProblem(pass, type, target.tf32(), p.window(), p.groups(), p.n(), p.h(), p.w(), p.c(), p.oh(), p.ow(), p.k(), p.r(), p.s(), epilogue);
    }

    private static void add(List<Candidate> all, List<MatrixEngine> engines, Inputs inputs) {
        for (MatrixEngine e : engines) {
            all.add(Candidate.ofLibrary(e.name(), e.workspace(), call -> bind(e, call, inputs)));
        }
    }

    /** An engine on a call's inputs and its output 0. */
    private static CudaLaunch bind(MatrixEngine engine, Call call, Inputs i) {
        try {
            MatrixEngine.Operands operands = new MatrixEngine.Operands(call.in(i.a), call.in(i.b), i.address(call, i.scale), i.address(call, i.bias), i.address(call, i.residual),
                    call.out(0), call.workspace());
            return new LibraryLaunch(call.device(), engine.name(), engine.bind(operands));
        } catch (DriverException e) {
            throw call.device().translated(engine.name(), e);
        }
    }

    /** Which of an op's inputs a problem's operands are; {@link #NONE} for those that it has not. */
    private record Inputs(int a, int b, int scale, int bias, int residual) {
        static Inputs of(int a, int b) {
            return new Inputs(a, b, NONE, NONE, NONE);
        }

        long address(Call call, int input) {
            return input == NONE ? 0 : call.in(input);
        }
    }
}
