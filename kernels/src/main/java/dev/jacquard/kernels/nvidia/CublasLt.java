package dev.jacquard.kernels.nvidia;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.Epilogue;
import dev.jacquard.kernels.driver.MatrixEngine;
import dev.jacquard.kernels.driver.ProductProblem;
import dev.jacquard.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * cuBLASLt on one device, through FFM, as JCuda has no binding of it. Its heuristics name several kernels for a product, each of which is an engine. Column-major like cuBLAS
 * ({@link Cublas}): operands change places. What is made for a product lives as long as this object: one set per problem that is asked about, a hundred or so of a network.
 */
final class CublasLt implements AutoCloseable {
    /** Engines per product. */
    static final int ENGINES = 3;

    /** What an engine may use; more than cuBLAS's, as some kernels of sm_90 split the depth. */
    private static final long WORKSPACE = 64L << 20;

    private static final NativeLibrary.Wanted WANTED = new NativeLibrary.Wanted("cuBLASLt",
            List.of(new NativeLibrary.Name("libcublasLt.so.13", 13), new NativeLibrary.Name("libcublasLt.so.12", 12)),
            List.of("cublasLtGetVersion", "cublasLtCreate", "cublasLtDestroy", "cublasLtMatmulDescCreate", "cublasLtMatmulDescDestroy", "cublasLtMatmulDescSetAttribute",
                    "cublasLtMatrixLayoutCreate", "cublasLtMatrixLayoutDestroy", "cublasLtMatmulPreferenceCreate", "cublasLtMatmulPreferenceDestroy",
                    "cublasLtMatmulPreferenceSetAttribute", "cublasLtMatmulAlgoGetHeuristic", "cublasLtMatmul"),
            symbols -> Foreign.number(symbols.findOrThrow("cublasLtGetVersion")), true);

    // cublasLtMatmulDescAttributes_t, cublasLtEpilogue_t, cublasLtMatmulPreferenceAttributes_t of cublasLt.h.
    private static final int TRANSPOSE_A = 3;
    private static final int TRANSPOSE_B = 4;
    private static final int EPILOGUE = 7;
    private static final int BIAS_POINTER = 8;
    private static final int PREFER_WORKSPACE = 1;
    private static final int PREFER_ALIGNMENT = 5; // of A; then B, C, D

    // cublasLtMatmulHeuristicResult_t: the algorithm, its workspace, a status, the number of waves, reserved words.
    private static final int RESULT_BYTES = 96;
    private static final int ALGORITHM_BYTES = 64;
    private static final int RESULT_STATUS = 72;

    private final NativeLibrary library;
    private final Arena arena;
    private final long handle;
    private final MemorySegment matmul;
    private final List<Runnable> made = new ArrayList<>();

    static NativeLibrary load(Libraries where, int driverVersion) {
        return NativeLibrary.load(where, WANTED, driverVersion);
    }

    /** Makes a handle in the thread's current context. @throws DriverException of kind LIBRARY */
    CublasLt(NativeLibrary library, Arena arena) {
        this.library = library;
        this.arena = arena;
        this.matmul = library.function("cublasLtMatmul");
        this.handle = create("cublasLtCreate", 0, 0, 0, 0);
    }

    /** Calls a function that writes a handle to where its first argument points. */
    private long create(String function, long b, long c, long d, long e) {
        try (Arena a = Arena.ofConfined()) {
            MemorySegment out = a.allocate(JAVA_LONG);
            CublasErrors.check(function, Foreign.call(library.function(function), out.address(), b, c, d, e));
            return out.get(JAVA_LONG, 0);
        }
    }

    private void destroyLater(String function, long what) {
        MemorySegment f = library.function(function);
        made.add(() -> Foreign.call(f, what));
    }

    private void set(String function, long of, int attribute, MemorySegment value) {
        CublasErrors.check(function, Foreign.call(library.function(function), of, attribute, value.address(), value.byteSize()));
    }

    /**
     * Whether it can be asked. A bias is of the result's type to the library (CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE), and ours are F32: results in half precision have none there.
     */
    private static boolean supports(ProductProblem p) {
        Epilogue e = p.epilogue();
        boolean activated = e.activation() == Epilogue.Activation.NONE || e.activation() == Epilogue.Activation.RELU;
        return Cublas.supports(p) && activated && !e.scale() && !e.residual() && !(e.bias() && p.type().isHalf());
    }

    /** Engines for a product, the one that the library expects to be fastest first; empty if it has none. @throws DriverException of kind LIBRARY for other failures */
    synchronized List<MatrixEngine> engines(ProductProblem p) {
        if (!supports(p)) {
            return List.of();
        }
        Matmul problem = new Matmul(p);
        try (Arena a = Arena.ofConfined()) {
            MemorySegment results = a.allocate((long) ENGINES * RESULT_BYTES, 16);
            MemorySegment count = a.allocate(JAVA_INT);
            long preference = preference(p.type(), a);
            int status = Foreign.call(library.function("cublasLtMatmulAlgoGetHeuristic"), handle, problem.describe(0), problem.a, problem.b, problem.c, problem.c,
                    preference, ENGINES, results.address(), count.address());
            Foreign.call(library.function("cublasLtMatmulPreferenceDestroy"), preference);
            if (status == CublasErrors.NOT_SUPPORTED) {
                return List.of();
            }
            CublasErrors.check("cublasLtMatmulAlgoGetHeuristic", status);
            List<MatrixEngine> all = new ArrayList<>();
            for (int i = 0; i < Math.min(count.get(JAVA_INT, 0), ENGINES); i++) {
                MemorySegment result = results.asSlice((long) i * RESULT_BYTES, RESULT_BYTES);
                if (result.get(JAVA_INT, RESULT_STATUS) == 0) {
                    MemorySegment algorithm = arena.allocate(ALGORITHM_BYTES, 16).copyFrom(result.asSlice(0, ALGORITHM_BYTES));
                    all.add(new Engine("cublasLt " + i, problem, algorithm.address(), result.get(JAVA_LONG, ALGORITHM_BYTES)));
                }
            }
            return all;
        }
    }

    private long preference(DType type, Arena a) {
        long preference = create("cublasLtMatmulPreferenceCreate", 0, 0, 0, 0);
        set("cublasLtMatmulPreferenceSetAttribute", preference, PREFER_WORKSPACE, a.allocateFrom(JAVA_LONG, WORKSPACE));
        for (int i = 0; i < 4; i++) { // the library assumes 256 bytes otherwise; ours begin at multiples of 16 elements
            int bytes = 16 * (i < 2 || type != DType.I8 ? type.bytes() : Integer.BYTES);
            set("cublasLtMatmulPreferenceSetAttribute", preference, PREFER_ALIGNMENT + i, a.allocateFrom(JAVA_INT, bytes));
        }
        return preference;
    }

    @Override
    public synchronized void close() {
        made.reversed().forEach(Runnable::run);
        Foreign.call(library.function("cublasLtDestroy"), handle);
    }

    /** A product with its matrices' layouts, in the library's view. */
    private final class Matmul {
        private final ProductProblem p;
        private final long a;
        private final long b;
        private final long c;
        private final long one;
        private final long zero;

        Matmul(ProductProblem p) {
            this.p = p;
            a = layout(p.type(), p.transposeB() ? p.k() : p.n(), p.transposeB() ? p.n() : p.k());
            b = layout(p.type(), p.transposeA() ? p.m() : p.k(), p.transposeA() ? p.k() : p.m());
            c = layout(p.result(), p.n(), p.m());
            MemorySegment constants = p.type() == DType.I8 ? arena.allocateFrom(JAVA_INT, 1, 0) : arena.allocateFrom(JAVA_FLOAT, 1f, 0f);
            one = constants.address();
            zero = one + Integer.BYTES;
        }

        private long layout(DType type, long rows, long columns) {
            long layout = create("cublasLtMatrixLayoutCreate", Cublas.dataType(type), rows, columns, rows);
            destroyLater("cublasLtMatrixLayoutDestroy", layout);
            return layout;
        }

        /** The operation. @param bias address; 0 where it is not known yet, or there is none */
        long describe(long bias) {
            long made = create("cublasLtMatmulDescCreate", Cublas.computeType(p), Cublas.dataType(p.type() == DType.I8 ? DType.I32 : DType.F32), 0, 0);
            destroyLater("cublasLtMatmulDescDestroy", made);
            try (Arena temporary = Arena.ofConfined()) {
                set("cublasLtMatmulDescSetAttribute", made, TRANSPOSE_A, temporary.allocateFrom(JAVA_INT, Cublas.operation(p.transposeB())));
                set("cublasLtMatmulDescSetAttribute", made, TRANSPOSE_B, temporary.allocateFrom(JAVA_INT, Cublas.operation(p.transposeA())));
                int epilogue = (p.epilogue().activation() == Epilogue.Activation.RELU ? 2 : 0) + (p.epilogue().bias() ? 4 : 0);
                if (epilogue != 0) {
                    set("cublasLtMatmulDescSetAttribute", made, EPILOGUE, temporary.allocateFrom(JAVA_INT, epilogue));
                }
                if (bias != 0) {
                    set("cublasLtMatmulDescSetAttribute", made, BIAS_POINTER, temporary.allocateFrom(JAVA_LONG, bias));
                }
            }
            return made;
        }
    }

    /** One algorithm. */
    private final class Engine extends LibraryEngine {
        private final Matmul problem;
        private final long algorithm;

        Engine(String name, Matmul problem, long algorithm, long workspace) {
            super(name, workspace, problem.p.epilogue());
            this.problem = problem;
            this.algorithm = algorithm;
        }

        @Override
        Bound bound(Operands o) {
            long operation;
            synchronized (CublasLt.this) {
                operation = problem.describe(o.bias());
            }
            return stream -> CublasErrors.check("cublasLtMatmul", Foreign.call(matmul, handle, operation, problem.one, o.b(), problem.a, o.a(), problem.b, problem.zero, o.out(),
                    problem.c, o.out(), problem.c, algorithm, o.workspace(), workspace(), stream));
        }
    }
}
