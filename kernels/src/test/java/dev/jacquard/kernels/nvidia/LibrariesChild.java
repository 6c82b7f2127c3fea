package dev.jacquard.kernels.nvidia;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.kernels.driver.ConvolutionProblem;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.Epilogue;
import dev.jacquard.kernels.driver.MatrixEngine;
import dev.jacquard.kernels.driver.ProductProblem;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.JacquardException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.FusedProduct;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Window;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What a test's own process does with the libraries that it finds. Prints a line per step; the stand-ins print their calls between. */
final class LibrariesChild {
    private static final long STREAM = 0x57;

    private static NvidiaDriver driver;

    private LibrariesChild() {}

    public static void main(String[] steps) {
        for (String step : steps) {
            String said;
            try {
                said = step(step.split(" "));
            } catch (DriverException e) {
                said = e.kind() + ": " + e.getMessage();
            } catch (Exception | LinkageError | AssertionError e) {
                said = "NOT TYPED: " + e;
            }
            System.out.println(step + " -> " + said);
        }
    }

    private static String step(String[] words) {
        return switch (words[0]) {
            case "open" -> {
                driver = NvidiaDriver.open();
                yield driver.device().name();
            }
            case "close" -> {
                driver.close();
                yield "done";
            }
            case "report" -> String.join(" / ", driver.libraries().report());
            case "doctor" -> String.join(" / ", new CudaBackendProvider().report());
            case "versions" -> driver.libraries().versions();
            case "product" -> run(words, driver.libraries().product(product(words)));
            case "convolution" -> run(words, driver.libraries().convolution(convolution(words)));
            case "plan" -> plan(words[1].replace('-', ' '), words.length < 3);
            default -> throw new IllegalArgumentException(words[0]);
        };
    }

    /** A plan of a product by an engine: launched, captured, replayed twice. */
    private static String plan(String engine, boolean libraries) {
        GraphBuilder b = new GraphBuilder(false);
        graph(b, engine);
        List<String> offered = new ArrayList<>();
        MatrixOptions options = new MatrixOptions(false, libraries, (_, _, names) -> {
            offered.addAll(names);
            return Math.max(0, names.indexOf(engine));
        });
        try (Backend backend = new CudaBackend("cuda", NvidiaDriver.open(), true, options); State state = new State(backend); Plan plan = Plan.of(b.build(), state)) {
            for (int i = 0; i < 4; i++) {
                plan.run();
            }
        } catch (JacquardException e) {
            return e.getClass().getSimpleName() + " " + e.getMessage();
        }
        return String.join(", ", offered);
    }

    /** A product; for cuBLASLt with a bias and ReLU, for cuDNN a convolution with scale, shift, residual and SiLU. */
    private static void graph(GraphBuilder b, String engine) {
        TensorType row = TensorType.of(DType.F32, 16);
        if (engine.startsWith("cudnn")) {
            TensorType image = TensorType.of(DType.F32, 2, 6, 6, 16);
            Op op = new FusedProduct.ConvolutionScaleShift(Window.of(1, 1), 1, Nonlinearity.SILU, true);
            b.output("y", b.apply(op, List.of(b.input("x", image), b.input("w", TensorType.of(DType.F32, 16, 3, 3, 16)), b.input("scale", row), b.input("shift", row),
                    b.input("r", image))).getFirst());
            return;
        }
        Tensor x = b.input("a", TensorType.of(DType.F32, 32, 48));
        Tensor w = b.input("b", TensorType.of(DType.F32, 48, 16));
        b.output("y", engine.startsWith("cublasLt") ? b.apply(new FusedProduct.MatMulShift(false, false, Nonlinearity.RELU), List.of(x, w, b.input("shift", row))).getFirst()
                : b.apply(new MatMul(false, false), List.of(x, w)).getFirst());
    }

    /** The engines' names; those whose name begins like the third word are run. */
    private static String run(String[] words, List<MatrixEngine> engines) {
        Epilogue epilogue = epilogue(List.of(words));
        MatrixEngine.Operands operands = new MatrixEngine.Operands(0xa0, 0xb0, epilogue.scale() ? 0xf0 : 0, epilogue.bias() ? 0xe0 : 0, epilogue.residual() ? 0xf8 : 0, 0xc0, 0xd0);
        String chosen = words[2].replace('-', ' ');
        for (MatrixEngine e : engines) {
            if (e.name().startsWith(chosen)) {
                e.bind(operands).enqueue(STREAM);
            }
        }
        return engines.stream().map(e -> e.name() + " " + e.workspace()).collect(Collectors.joining(", "));
    }

    private static Epilogue epilogue(List<String> words) {
        Epilogue.Activation activation = words.contains("relu") ? Epilogue.Activation.RELU : words.contains("silu") ? Epilogue.Activation.SILU : Epilogue.Activation.NONE;
        return new Epilogue(words.contains("scale"), words.contains("bias"), words.contains("residual"), activation);
    }

    /** {@code product f16 ENGINE [ta] [tb] [tf32] [scale] [bias] [residual] [relu|silu]}: 4 x 8 of depth 12. */
    private static ProductProblem product(String[] words) {
        List<String> w = List.of(words);
        return new ProductProblem(type(w), w.contains("tf32"), 4, 8, 12, w.contains("ta"), w.contains("tb"), epilogue(w));
    }

    /**
     * {@code convolution bf16 ENGINE [data|weight] [odd] [tf32] [scale] [bias] [residual] [relu|silu]}: 2 images of 9 x 10 x 8, 3 x 2 to 16 channels in 2 groups, stride 2 and 1,
     * padding 1 and 2, dilation 1 and 3.
     */
    private static ConvolutionProblem convolution(String[] words) {
        List<String> w = List.of(words);
        ConvolutionProblem.Pass pass = w.contains("data") ? ConvolutionProblem.Pass.BACKWARD_DATA : w.contains("weight") ? ConvolutionProblem.Pass.BACKWARD_WEIGHT
                : ConvolutionProblem.Pass.FORWARD;
        Window window = new Window(2, 1, 1, w.contains("odd") ? 2 : 1, 2, 2, 1, 3);
        return new ConvolutionProblem(pass, type(w), w.contains("tf32"), window, 2, 2, 9, 10, 8, window.outH(9, 3), window.outW(10, 2), 16, 3, 2, epilogue(w));
    }

    private static DType type(List<String> words) {
        return DType.valueOf(words.get(1).toUpperCase(Locale.ROOT));
    }
}
