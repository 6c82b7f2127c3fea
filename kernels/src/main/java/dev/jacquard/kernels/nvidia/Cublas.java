package dev.jacquard.kernels.nvidia;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import dev.jacquard.kernels.driver.Epilogue;
import dev.jacquard.kernels.driver.MatrixEngine;
import dev.jacquard.kernels.driver.ProductProblem;
import dev.jacquard.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.List;
import java.util.stream.IntStream;
import jcuda.Pointer;
import jcuda.cudaDataType;
import jcuda.driver.CUdeviceptr;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasComputeType;
import jcuda.jcublas.cublasGemmAlgo;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasMath;
import jcuda.jcublas.cublasOperation;

/**
 * cuBLAS on one device, through JCublas2. Its matrices are column-major; a row-major matrix is its own transpose there, so that C = A B is asked for as C^T = B^T A^T: operands and
 * extents change places, nothing moves in memory. JCublas2 is given addresses in {@code CUdeviceptr} objects: pointers to arrays and buffers cost more, and some calls take them
 * for null.
 */
final class Cublas implements AutoCloseable {
    /** What NVIDIA advises for sm_90; what the library would allocate itself if it were given none, which a graph's capture does not allow. */
    private static final long WORKSPACE = 32L << 20;

    private static final NativeLibrary.Wanted WANTED = new NativeLibrary.Wanted("cuBLAS",
            List.of(new NativeLibrary.Name("libcublas.so.13", 13), new NativeLibrary.Name("libcublas.so.12", 12)),
            List.of("cublasCreate_v2", "cublasDestroy_v2", "cublasSetStream_v2", "cublasSetWorkspace_v2", "cublasSetMathMode", "cublasGemmEx", "cublasGetProperty"),
            Cublas::version, true);

    private final cublasHandle handle;
    private final long number;
    private final MemorySegment setStream;
    private final MemorySegment setWorkspace;
    private final Pointer oneF32;
    private final Pointer zeroF32;
    private final Pointer oneI32;
    private final Pointer zeroI32;

    /**
     * Loads the library, and JCublas2 made to depend on the version that is there. @param cublasLt that is loaded, which cuBLAS then calls; may be null @throws DriverException of
     * kind UNAVAILABLE
     */
    static NativeLibrary load(Libraries where, int driverVersion, NativeLibrary cublasLt) {
        NativeLibrary library = NativeLibrary.load(where, WANTED, driverVersion);
        if (cublasLt != null && cublasLt.major() == library.major() && !cublasLt.version().equals(library.version())) {
            throw new DriverException(Kind.UNAVAILABLE, "%s is version %s, but %s, which it calls, is %s: files of several installations are mixed".formatted(
                    library.file(), library.version(), cublasLt.file(), cublasLt.version()));
        }
        Natives.load(Natives.Native.CUBLAS, jcublas -> ElfRename.rename(jcublas, "libcublas.so.12", "libcublas.so." + library.major()));
        return library;
    }

    /** cublasGetProperty needs no handle, so that a wrong version is known before anything is made. */
    private static long version(SymbolLookup symbols) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_INT);
            return IntStream.range(0, 3).mapToLong(property -> {
                CublasErrors.check("cublasGetProperty", Foreign.call(symbols.findOrThrow("cublasGetProperty"), property, out.address()));
                return out.get(JAVA_INT, 0);
            }).reduce(0, (all, part) -> 100 * all + part);
        }
    }

    /** Makes a handle in the thread's current context. @throws DriverException of kind LIBRARY */
    Cublas(NativeLibrary library, Arena arena) {
        Handles.Cublas made = new Handles.Cublas();
        CublasErrors.check("cublasCreate", JCublas2.cublasCreate(made));
        handle = made;
        number = made.number();
        setStream = library.function("cublasSetStream_v2");
        setWorkspace = library.function("cublasSetWorkspace_v2");
        // The default mode lets sums of F16 products be combined in F16; types that are computed in F32 are to be summed in it.
        CublasErrors.check("cublasSetMathMode", JCublas2.cublasSetMathMode(handle, cublasMath.CUBLAS_DEFAULT_MATH | cublasMath.CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION));
        long floats = arena.allocateFrom(JAVA_FLOAT, 1f, 0f).address();
        oneF32 = pointer(floats);
        zeroF32 = pointer(floats + Float.BYTES);
        long integers = arena.allocateFrom(JAVA_INT, 1, 0).address();
        oneI32 = pointer(integers);
        zeroI32 = pointer(integers + Integer.BYTES);
    }

    /** JCuda's object for an address. */
    static Pointer pointer(long address) {
        return new CUdeviceptr().withByteOffset(address);
    }

    /** The engine for a product, if cuBLAS has one: none with an epilogue, and of I8 only if rows are multiples of 4. */
    List<MatrixEngine> engines(ProductProblem p) {
        boolean fits = Math.max(p.m(), Math.max(p.n(), p.k())) <= Integer.MAX_VALUE && p.epilogue().equals(Epilogue.NONE) && supports(p);
        return fits ? List.of(new Engine(p)) : List.of();
    }

    /** Whether cuBLAS and cuBLASLt have products of these operands. */
    static boolean supports(ProductProblem p) {
        return switch (p.type()) {
            case F32, F16, BF16 -> true;
            case I8 -> p.m() % 4 == 0 && p.n() % 4 == 0 && p.k() % 4 == 0;
            default -> false;
        };
    }

    /** cudaDataType of an element type. */
    static int dataType(DType type) {
        return switch (type) {
            case F32 -> cudaDataType.CUDA_R_32F;
            case F16 -> cudaDataType.CUDA_R_16F;
            case BF16 -> cudaDataType.CUDA_R_16BF;
            case I8 -> cudaDataType.CUDA_R_8I;
            case I32 -> cudaDataType.CUDA_R_32I;
            default -> throw new IllegalArgumentException(type.toString());
        };
    }

    /** How products are computed and summed. Pedantic: F32 stays F32 whatever the process's environment permits. */
    static int computeType(ProductProblem p) {
        return switch (p.type()) {
            case F32 -> p.tf32() ? cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32 : cublasComputeType.CUBLAS_COMPUTE_32F_PEDANTIC;
            case I8 -> cublasComputeType.CUBLAS_COMPUTE_32I;
            default -> cublasComputeType.CUBLAS_COMPUTE_32F;
        };
    }

    /** cublasOperation of an operand: what we store transposed must be transposed there too, as changing places has transposed both. */
    static int operation(boolean transposed) {
        return transposed ? cublasOperation.CUBLAS_OP_T : cublasOperation.CUBLAS_OP_N;
    }

    @Override
    public synchronized void close() {
        JCublas2.cublasDestroy(handle);
    }

    /** {@code cublasGemmEx} with the library's own choice of a kernel. */
    private final class Engine extends LibraryEngine {
        private final ProductProblem p;

        Engine(ProductProblem p) {
            super("cublas", WORKSPACE, p.epilogue());
            this.p = p;
        }

        @Override
        Bound bound(Operands o) {
            Pointer a = pointer(o.a());
            Pointer b = pointer(o.b());
            Pointer out = pointer(o.out());
            return stream -> multiply(p, a, b, out, o.workspace(), stream);
        }
    }

    /** A handle's stream, workspace and call belong together. */
    private synchronized void multiply(ProductProblem p, Pointer a, Pointer b, Pointer out, long workspace, long stream) {
        boolean whole = p.type() == DType.I8;
        int type = dataType(p.type());
        CublasErrors.check("cublasSetStream", Foreign.call(setStream, number, stream));
        CublasErrors.check("cublasSetWorkspace", Foreign.call(setWorkspace, number, workspace, WORKSPACE)); // setting the stream has forgotten it
        // Not cublasGemmEx: that one is the overload of CUDA 10, which never reaches the library with these compute types.
        CublasErrors.check("cublasGemmEx", JCublas2.cublasGemmEx_new(handle, operation(p.transposeB()), operation(p.transposeA()), (int) p.n(), (int) p.m(), (int) p.k(),
                whole ? oneI32 : oneF32, b, type, (int) (p.transposeB() ? p.k() : p.n()), a, type, (int) (p.transposeA() ? p.m() : p.k()),
                whole ? zeroI32 : zeroF32, out, dataType(p.result()), (int) p.n(), computeType(p), cublasGemmAlgo.CUBLAS_GEMM_DEFAULT));
    }
}
