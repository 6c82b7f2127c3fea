package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Metadata24;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * A product x w^T with a compressed 2:4 w, as {@code matmul_sparse_*.cu} computes it.
 *
 * @param m rows of x
 * @param n rows of w
 * @param k columns of both
 */
record SparseProduct(long m, long n, long k) {
    /** The oldest driver that knows mma.sp with ordered metadata (PTX 8.5): that of CUDA 12.5. */
    static final int DRIVER = 12_050;
    /** Blocks that fill the largest devices; not those of the device at hand, so that results do not depend on it. */
    private static final long MANY = 132;
    private static final int ALIGNMENT = 256;
    /** Beyond, a sum of products of the lowest values leaves I32. */
    private static final long MOST_DEPTH = (1 << 17) - 1;

    /** What a block computes. @param rows of w @param columns rows of x @param threads of a block @param stages of shared memory */
    enum Shape {
        LARGE(256, 128, 256, 4), SQUARE(128, 128, 128, 3), SMALL(64, 32, 128, 4);

        final int rows;
        final int columns;
        final int threads;
        final int stages;

        Shape(int rows, int columns, int threads, int stages) {
            this.rows = rows;
            this.columns = columns;
            this.threads = threads;
            this.stages = stages;
        }

        /** {@code 128x128}, as symbols have it. */
        @Override
        public String toString() {
            return rows + "x" + columns;
        }

        /** Dynamic shared memory in bytes: of each row of w 64 bytes of values, of each row of x 128, and metadata, of which bytes have twice as much. */
        int shared(boolean bytes) {
            return stages * (64 * rows + 128 * columns + (bytes ? 16 : 8) * rows);
        }
    }

    /** For x (M, K), values (N, K / 2). */
    static SparseProduct of(TensorType x, TensorType values) {
        return new SparseProduct(x.shape().dim(0), values.shape().dim(0), x.shape().dim(1));
    }

    private long blocks(Shape s) {
        return Call.blocks(n, s.rows) * Call.blocks(m, s.columns);
    }

    /** Large tiles load the least, but there must be enough of them. */
    private Shape best() {
        return blocks(Shape.LARGE) >= MANY ? Shape.LARGE : 2 * blocks(Shape.SQUARE) >= MANY ? Shape.SQUARE : Shape.SMALL;
    }

    /** Shapes that a device has room for, the best by rule first. */
    private List<Shape> shapes(Target target, boolean bytes) {
        Shape best = best();
        return List.of(Shape.values()).stream().filter(s -> s.shared(bytes) <= target.device().sharedBytesPerBlock())
                .sorted(Comparator.comparing(s -> s != best)).toList();
    }

    /** Whether a device and its driver have mma.sp, and rows of values begin at 16 bytes. */
    private boolean sparse(DType dtype, Target target) {
        boolean typed = dtype == DType.F16 || dtype == DType.BF16 || dtype == DType.I8;
        return typed && k * dtype.bytes() % 32 == 0 && target.tensorCores() && target.device().driverVersion() >= DRIVER;
    }

    /**
     * Ways to make output 0 of inputs x, values and metadata, of one floating type, and what the epilogue names: sparse ones, and those of the dense product after the matrix was
     * expanded, which are always possible.
     */
    List<Candidate> floating(DType dtype, Target target, Epilogue epilogue) {
        List<Candidate> all = new ArrayList<>();
        if (sparse(dtype, target)) {
            shapes(target, false).forEach(s -> all.add(sparse(s, dtype, epilogue)));
        }
        Product product = new Product(m, n, k, false, true);
        product.candidates(dtype, target, 0, 1, dense(epilogue)).forEach(d -> all.add(expanded(dtype, d)));
        return all;
    }

    /** The same of I8, with all sums in one block: integers are exact, and parts of them in F32 would not be. None if there are no tensor cores. */
    List<Candidate> quantized(Target target, Epilogue epilogue) {
        List<Candidate> all = new ArrayList<>();
        if (sparse(DType.I8, target) && k <= MOST_DEPTH) {
            shapes(target, true).forEach(s -> all.add(quantized(s, epilogue)));
        }
        ByteProduct.candidates(m, n, k, target, dense(epilogue)).forEach(d -> all.add(expanded(DType.I8, d)));
        return all;
    }

    /** The epilogue where one dense matrix stands for values and metadata among the inputs. */
    private static Epilogue dense(Epilogue e) {
        return new Epilogue(before(e.scale()), before(e.shift()), before(e.residual()), e.residualScale(), e.activation());
    }

    private static int before(int input) {
        return input == Epilogue.ABSENT ? input : input - 1;
    }

    private Candidate expanded(DType dtype, Candidate dense) {
        TensorType type = TensorType.of(dtype, n, k);
        long bytes = Call.blocks(type.bytes(), ALIGNMENT) * ALIGNMENT;
        return Candidate.of("expand, " + dense.name(), bytes + dense.workspace(), call -> {
            View w = View.of(new CudaBuffer(call.device(), call.workspace(), bytes, false), type);
            List<View> in = new ArrayList<>(List.of(call.in().getFirst(), w));
            in.addAll(call.in().subList(3, call.in().size()));
            return call.sequence(SparseKernels.expand(call, call.in(1), call.in(2), w), dense.bind(new Call(call.device(), List.copyOf(in), call.out(), call.workspace() + bytes)));
        });
    }

    /** As that of dense products in units of four columns: a part is at least 256 columns deep, four stages. */
    private Split split(Shape s) {
        Split quads = Split.of(blocks(s), Call.blocks(k, 4), Metadata24.COLUMNS / 4);
        return new Split(quads.parts(), 4 * quads.depth());
    }

    private Candidate sparse(Shape s, DType dtype, Epilogue epilogue) {
        Split split = split(s);
        boolean whole = split.parts() == 1;
        return Candidate.of("mma.sp " + s + (whole ? "" : " split " + split.parts()), split.workspace(m * n), call -> {
            CudaLaunch launch = launch(call, s, false, "matmul_sparse_" + dtype, "sparse_matmul_" + s + "_" + dtype)
                    .grid(blocks(s), 1, split.parts())
                    .pointer(whole ? 0 : call.workspace())
                    .i32(m).i32(n).i32(k).i32(split.depth()).struct(epilogue.parameters(call))
                    .build();
            return epilogue.isNone() ? split.then(call, launch) : whole ? launch : split.then(call, launch, epilogue, n);
        });
    }

    private Candidate quantized(Shape s, Epilogue epilogue) {
        return Candidate.of("mma.sp " + s, 0, call -> launch(call, s, true, "matmul_sparse_i8", "quantized_sparse_matmul_" + s + "_i8")
                .grid(blocks(s))
                .i32(m).i32(n).i32(k).i32(ByteProduct.code(call.out().getFirst().dtype())).struct(epilogue.parameters(call))
                .build());
    }

    private static KernelLaunch.Builder launch(Call call, Shape s, boolean bytes, String module, String symbol) {
        return call.launch(module, symbol).block(s.threads).shared(s.shared(bytes)).pointer(call.in(0)).pointer(call.in(1)).pointer(call.in(2)).pointer(call.out(0));
    }

    /** Values of the names in the Traffic lines, for a product that is not split. @param resultBytes of an element of a quantised product's result */
    Map<String, Long> sizes(long resultBytes) {
        return Map.of("m", m, "n", n, "k", k, "h", k / 2, "b", metadataWords(), "p", 0L, "y", m * n, "r", resultBytes, "v", 0L, "e", 0L);
    }

    private long metadataWords() {
        return new Metadata24(n, k, false).type().shape().size();
    }
}
