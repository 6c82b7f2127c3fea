package dev.jacquard.kernels.nvidia;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.jacquard.kernels.driver.ConvolutionProblem;
import dev.jacquard.kernels.driver.ConvolutionProblem.Pass;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import dev.jacquard.kernels.driver.Epilogue;
import dev.jacquard.kernels.driver.MatrixEngine;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Window;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntSupplier;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import jcuda.Pointer;
import jcuda.jcudnn.JCudnn;
import jcuda.jcudnn.cudnnConvolutionMode;
import jcuda.jcudnn.cudnnDataType;
import jcuda.jcudnn.cudnnDeterminism;
import jcuda.jcudnn.cudnnMathType;
import jcuda.jcudnn.cudnnTensorFormat;

/**
 * cuDNN 9 on one device: its older interface, through JCudnn, in which a convolution is done by one of a few numbered algorithms. {@link CudnnGraph} has its younger one. The jar
 * of JCudnn is of version 11.7, its natives of 12.6; what both have is called with equal arguments.
 */
final class Cudnn implements AutoCloseable {
    private static final NativeLibrary.Wanted WANTED = new NativeLibrary.Wanted("cuDNN", List.of(new NativeLibrary.Name("libcudnn.so.9", 9)),
            Stream.concat(Stream.of("cudnnGetVersion", "cudnnGetCudartVersion", "cudnnCreate", "cudnnDestroy", "cudnnSetStream", "cudnnCreateTensorDescriptor",
            "cudnnSetTensor4dDescriptor",
                    "cudnnDestroyTensorDescriptor", "cudnnCreateFilterDescriptor", "cudnnSetFilter4dDescriptor", "cudnnDestroyFilterDescriptor", "cudnnCreateConvolutionDescriptor",
                    "cudnnSetConvolution2dDescriptor", "cudnnSetConvolutionGroupCount", "cudnnSetConvolutionMathType", "cudnnDestroyConvolutionDescriptor",
                    "cudnnGetConvolutionForwardAlgorithm_v7", "cudnnGetConvolutionForwardWorkspaceSize", "cudnnConvolutionForward",
                    "cudnnGetConvolutionBackwardDataAlgorithm_v7", "cudnnGetConvolutionBackwardDataWorkspaceSize", "cudnnConvolutionBackwardData",
                    "cudnnGetConvolutionBackwardFilterAlgorithm_v7", "cudnnGetConvolutionBackwardFilterWorkspaceSize", "cudnnConvolutionBackwardFilter"),
                    CudnnGraph.FUNCTIONS.stream()).toList(),
            Cudnn::version, false);

    /** Algorithms per pass that the library is asked for; there are 8 at most. */
    private static final int ALGORITHMS = 8;

    /** Those that compute by Fourier or Winograd transforms, whose error is not that of a sum of products. */
    private static final List<Integer> TRANSFORMS_FORWARD = List.of(4, 5, 6, 7);
    private static final List<Integer> TRANSFORMS_BACKWARD_DATA = List.of(2, 3, 4, 5);
    private static final List<Integer> TRANSFORMS_BACKWARD_WEIGHT = List.of(2, 4, 5, 6);

    // cudnnConvolutionFwdAlgoPerf_t and its like: algorithm, status, time, memory, determinism, math type, reserved words.
    private static final int PERF_BYTES = 48;
    private static final int PERF_STATUS = 4;
    private static final int PERF_DETERMINISM = 24;

    private final NativeLibrary library;
    private final Handles.Cudnn handle = new Handles.Cudnn();
    private final MemorySegment setStream;
    private final CudnnErrors errors;
    private final Pointer one;
    private final Pointer zero;
    private final CudnnGraph graph;
    private final List<Runnable> made = new ArrayList<>();

    /** Loads the library and JCudnn. @throws DriverException of kind UNAVAILABLE */
    static NativeLibrary load(Libraries where, int driverVersion) {
        NativeLibrary library = NativeLibrary.load(where, WANTED, driverVersion);
        long cuda = Foreign.number(library.function("cudnnGetCudartVersion"));
        if (cuda / 1000 > driverVersion / 1000) {
            throw new DriverException(Kind.UNAVAILABLE, "%s is built for CUDA %d.%d, the driver is for %d.%d".formatted(
                    library.file(), cuda / 1000, cuda % 1000 / 10, driverVersion / 1000, driverVersion % 1000 / 10));
        }
        // Its engines of fused operations are compiled when they are planned; it looks for the compiler by name alone, which finds what is loaded.
        NativeLibrary.preload(where, "libnvrtc.so." + cuda / 1000);
        Natives.load(Natives.Native.CUDNN, UnaryOperator.identity());
        return library;
    }

    /** cuDNN 9 says 91900 for 9.19.0; before, 8902 was 8.9.2. */
    private static long version(SymbolLookup symbols) {
        long v = Foreign.number(symbols.findOrThrow("cudnnGetVersion"));
        return v < 10_000 ? v / 1000 * 10_000 + v % 1000 : v;
    }

    /** Makes a handle in the thread's current context. @throws DriverException of kind LIBRARY */
    Cudnn(NativeLibrary library, Arena arena) {
        this.library = library;
        errors = new CudnnErrors(library.symbols());
        setStream = library.function("cudnnSetStream");
        errors.check("cudnnCreate", JCudnn.cudnnCreate(handle));
        long constants = arena.allocateFrom(JAVA_FLOAT, 1f, 0f).address();
        one = Cublas.pointer(constants);
        zero = Cublas.pointer(constants + Float.BYTES);
        graph = new CudnnGraph(library, errors, handle.number(), this::in);
    }

    /** The younger interface, on the same handle. */
    CudnnGraph graph() {
        return graph;
    }

    /** A call in a stream: the handle's stream and the call belong together. */
    private synchronized void in(long stream, String call, IntSupplier calls) {
        errors.check("cudnnSetStream", Foreign.call(setStream, handle.number(), stream));
        errors.check(call, calls.getAsInt());
    }

    /** cudnnDataType_t of an element type. */
    static int dataType(DType type) {
        return switch (type) {
            case F32 -> cudnnDataType.CUDNN_DATA_FLOAT;
            case F16 -> cudnnDataType.CUDNN_DATA_HALF;
            case BF16 -> cudnnDataType.CUDNN_DATA_BFLOAT16;
            default -> throw new IllegalArgumentException(type.toString());
        };
    }

    /** Whether the older interface can be asked: padding is the same on opposite sides there. */
    private static boolean supports(ConvolutionProblem p) {
        Window w = p.window();
        return List.of(DType.F32, DType.F16, DType.BF16).contains(p.type()) && w.top() == w.bottom() && w.left() == w.right() && p.epilogue().equals(Epilogue.NONE);
    }

    /** The algorithms for a pass in the order of the library's estimate, without those that are not deterministic. @throws DriverException of kind LIBRARY if one cannot ask */
    synchronized List<MatrixEngine> engines(ConvolutionProblem p) {
        if (!supports(p)) {
            return List.of();
        }
        Described d = new Described(p);
        return d.algorithms().mapToObj(algorithm -> d.engine(algorithm)).flatMap(Optional::stream).toList();
    }

    @Override
    public synchronized void close() {
        graph.close();
        made.reversed().forEach(Runnable::run);
        JCudnn.cudnnDestroy(handle);
    }

    /** A problem's descriptors, which live as long as the handle. */
    private final class Described {
        private final ConvolutionProblem p;
        private final Handles.Tensor x = new Handles.Tensor();
        private final Handles.Tensor y = new Handles.Tensor();
        private final Handles.Filter w = new Handles.Filter();
        private final Handles.Convolution convolution = new Handles.Convolution();

        Described(ConvolutionProblem p) {
            this.p = p;
            tensor(x, p.n(), p.c(), p.h(), p.w());
            tensor(y, p.n(), p.k(), p.oh(), p.ow());
            errors.check("cudnnCreateFilterDescriptor", JCudnn.cudnnCreateFilterDescriptor(w));
            made.add(() -> JCudnn.cudnnDestroyFilterDescriptor(w));
            errors.check("cudnnSetFilter4dDescriptor", JCudnn.cudnnSetFilter4dDescriptor(w, dataType(p.type()), cudnnTensorFormat.CUDNN_TENSOR_NHWC, (int) p.k(),
                    (int) (p.c() / p.groups()), (int) p.r(), (int) p.s()));
            errors.check("cudnnCreateConvolutionDescriptor", JCudnn.cudnnCreateConvolutionDescriptor(convolution));
            made.add(() -> JCudnn.cudnnDestroyConvolutionDescriptor(convolution));
            Window o = p.window();
            errors.check("cudnnSetConvolution2dDescriptor", JCudnn.cudnnSetConvolution2dDescriptor(convolution, o.top(), o.left(), o.strideH(), o.strideW(), o.dilationH(),
                    o.dilationW(), cudnnConvolutionMode.CUDNN_CROSS_CORRELATION, cudnnDataType.CUDNN_DATA_FLOAT));
            errors.check("cudnnSetConvolutionGroupCount", JCudnn.cudnnSetConvolutionGroupCount(convolution, p.groups()));
            // The default permits TF32 for F32; FMA is F32 in earnest. "Allow conversion" would round F32 to F16.
            errors.check("cudnnSetConvolutionMathType", JCudnn.cudnnSetConvolutionMathType(convolution, p.type() == DType.F32 && !p.tf32() ? cudnnMathType.CUDNN_FMA_MATH
                    : cudnnMathType.CUDNN_TENSOR_OP_MATH));
        }

        private void tensor(Handles.Tensor t, long n, long c, long h, long w) {
            errors.check("cudnnCreateTensorDescriptor", JCudnn.cudnnCreateTensorDescriptor(t));
            made.add(() -> JCudnn.cudnnDestroyTensorDescriptor(t));
            errors.check("cudnnSetTensor4dDescriptor", JCudnn.cudnnSetTensor4dDescriptor(t, cudnnTensorFormat.CUDNN_TENSOR_NHWC, dataType(p.type()), (int) n, (int) c,
                    (int) h, (int) w));
        }

        /**
         * Numbers of the algorithms to offer. Through FFM: JCudnn copies as many results as a failed call has left in a variable, which may be any number, and never their math
         * types.
         */
        IntStream algorithms() {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment count = arena.allocate(JAVA_INT);
                MemorySegment found = arena.allocate((long) ALGORITHMS * PERF_BYTES, 8);
                Pass pass = p.pass();
                String function = "cudnnGetConvolution" + (pass == Pass.FORWARD ? "Forward" : pass == Pass.BACKWARD_DATA ? "BackwardData" : "BackwardFilter") + "Algorithm_v7";
                long first = pass == Pass.BACKWARD_DATA ? w.number() : x.number();
                long second = pass == Pass.FORWARD ? w.number() : y.number();
                long out = pass == Pass.FORWARD ? y.number() : pass == Pass.BACKWARD_DATA ? x.number() : w.number();
                errors.check(function, Foreign.call(library.function(function), handle.number(), first, second, convolution.number(), out, ALGORITHMS, count.address(),
                        found.address()));
                List<Integer> without = switch (pass) {
                    case FORWARD -> TRANSFORMS_FORWARD;
                    case BACKWARD_DATA -> TRANSFORMS_BACKWARD_DATA;
                    case BACKWARD_WEIGHT -> TRANSFORMS_BACKWARD_WEIGHT;
                };
                // Once, though it be listed with each math type: the convolution's own is used with all.
                return IntStream.of(IntStream.range(0, Math.min(count.get(JAVA_INT, 0), ALGORITHMS)).mapToObj(i -> found.asSlice((long) i * PERF_BYTES, PERF_BYTES))
                        .filter(f -> f.get(JAVA_INT, PERF_STATUS) == 0 && f.get(JAVA_INT, PERF_DETERMINISM) == cudnnDeterminism.CUDNN_DETERMINISTIC)
                        .mapToInt(f -> f.get(JAVA_INT, 0)).filter(a -> !without.contains(a)).distinct().toArray());
            }
        }

        /** An algorithm with its workspace; empty if it is not for this math type after all. */
        Optional<MatrixEngine> engine(int algorithm) {
            long[] bytes = new long[1];
            int status = switch (p.pass()) {
                case FORWARD -> JCudnn.cudnnGetConvolutionForwardWorkspaceSize(handle, x, w, convolution, y, algorithm, bytes);
                case BACKWARD_DATA -> JCudnn.cudnnGetConvolutionBackwardDataWorkspaceSize(handle, w, y, convolution, x, algorithm, bytes);
                case BACKWARD_WEIGHT -> JCudnn.cudnnGetConvolutionBackwardFilterWorkspaceSize(handle, x, y, convolution, w, algorithm, bytes);
            };
            if (CudnnErrors.unsupported(status)) {
                return Optional.empty();
            }
            errors.check("cudnnGetConvolution...WorkspaceSize", status);
            return Optional.of(new Engine(this, algorithm, bytes[0]));
        }
    }

    /** A numbered algorithm for a pass. */
    private final class Engine extends LibraryEngine {
        private final Described d;
        private final int algorithm;

        Engine(Described d, int algorithm, long workspace) {
            String pass = switch (d.p.pass()) {
                case FORWARD -> "fwd";
                case BACKWARD_DATA -> "bwd data";
                case BACKWARD_WEIGHT -> "bwd filter";
            };
            super("cudnn " + pass + " algo " + algorithm, workspace, d.p.epilogue());
            this.d = d;
            this.algorithm = algorithm;
        }

        @Override
        Bound bound(Operands o) {
            Pointer a = Cublas.pointer(o.a());
            Pointer b = Cublas.pointer(o.b());
            Pointer out = Cublas.pointer(o.out());
            Pointer scratch = Cublas.pointer(o.workspace());
            long workspace = workspace();
            IntSupplier call = switch (d.p.pass()) {
                case FORWARD -> () -> JCudnn.cudnnConvolutionForward(handle, one, d.x, a, d.w, b, d.convolution, algorithm, scratch, workspace, zero, d.y, out);
                case BACKWARD_DATA -> () -> JCudnn.cudnnConvolutionBackwardData(handle, one, d.w, b, d.y, a, d.convolution, algorithm, scratch, workspace, zero, d.x, out);
                case BACKWARD_WEIGHT -> () -> JCudnn.cudnnConvolutionBackwardFilter(handle, one, d.x, a, d.y, b, d.convolution, algorithm, scratch, workspace, zero, d.w, out);
            };
            return stream -> in(stream, name(), call);
        }
    }
}
