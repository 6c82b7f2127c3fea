package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import java.util.List;

/**
 * A pass of a convolution as an implicit matrix product on tensor cores, in one of the ways it can be cut: the {@code conv_*.cu} modules. Sums are in F32; operands of F32 are
 * rounded to TF32, to nearest.
 *
 * @param pass which
 * @param dtype of its operands and results
 * @param tiling tile and split
 * @param epilogue what follows a forward pass
 */
record TensorConvolution(ConvolutionPass pass, DType dtype, Tiling tiling, Epilogue epilogue) implements Candidate {
    /** The most rows or columns of taps: each is a bit of half a word. */
    private static final long MOST_TAPS = 16;
    private static final int MOST_BLOCKS_DEEP = 65_535;

    /** Ways that are worth their while, the best by rule first; none where channels are no multiple of 16 bytes, or the target has no tensor cores for the type. */
    static List<Candidate> candidates(ConvolutionPass pass, DType dtype, Target target, Epilogue epilogue) {
        if (!takes(pass, dtype, target)) {
            return List.of();
        }
        return Tiling.ranked(pass.rows(), pass.columns(), pass.depth(), (long) pass.groups() * pass.phases(), dtype, target).stream()
                .filter(t -> t.tile() != TensorTile.T128X256)
                .map(t -> new TensorConvolution(pass, dtype, t, epilogue))
                .filter(TensorConvolution::possible)
                .map(Candidate.class::cast).toList();
    }

    private static boolean takes(ConvolutionPass pass, DType dtype, Target target) {
        long chunk = 16 / dtype.bytes();
        return possible(pass, dtype, target) && pass.c() / pass.groups() % chunk == 0 && pass.k() / pass.groups() % chunk == 0;
    }

    /** Whether a pass is of a type and size for the kernels on tensor cores. */
    static boolean possible(ConvolutionPass pass, DType dtype, Target target) {
        return target.tensorCores() && (dtype == DType.F16 || dtype == DType.BF16 || dtype == DType.F32 && target.tf32()) && fits(pass);
    }

    /** Whether the kernels' indices and masks reach everything. */
    static boolean fits(ConvolutionPass pass) {
        boolean small = pass.n() * pass.h() * pass.w() * pass.c() <= Integer.MAX_VALUE && pass.n() * pass.oh() * pass.ow() * pass.k() <= Integer.MAX_VALUE;
        return small && pass.r() <= MOST_TAPS && pass.s() <= MOST_TAPS;
    }

    /** Statistics are of sums that are whole, and of tiles that do not reach into the next group. */
    private boolean possible() {
        boolean statistics = tiling.split().parts() == 1 && (pass.groups() == 1 || pass.columns() % tiling.tile().columns() == 0);
        return deep() <= MOST_BLOCKS_DEEP && (!epilogue.statistics() || statistics);
    }

    /** Blocks in the grid's third extent. */
    private long deep() {
        return (long) pass.groups() * pass.phases() * tiling.split().parts();
    }

    @Override
    public String name() {
        return "mma " + tiling;
    }

    @Override
    public long workspace() {
        return workspace(pass, tiling, epilogue);
    }

    /** Scratch that {@link #followed} needs, in bytes. */
    static long workspace(ConvolutionPass pass, Tiling tiling, Epilogue epilogue) {
        return epilogue.statistics() ? statistics(pass, tiling).workspace() : tiling.split().workspace(pass.results());
    }

    private static ColumnStatistics statistics(ConvolutionPass pass, Tiling tiling) {
        return new ColumnStatistics(pass.rows(), pass.k(), tiling.tile().rows());
    }

    /** A launch and what comes after it: nothing, what adds up the parts' sums and does what follows them, or what combines the tiles' statistics. */
    static CudaLaunch followed(Call call, CudaLaunch launch, ConvolutionPass pass, Tiling tiling, Epilogue epilogue) {
        Split split = tiling.split();
        if (epilogue.statistics()) {
            return statistics(pass, tiling).then(call, launch);
        }
        return epilogue.isNone() || split.parts() == 1 ? split.then(call, launch) : split.then(call, launch, epilogue, pass.k());
    }

    /** Name of the .cu file of a pass in a type. */
    static String module(ConvolutionPass.Kind kind, DType dtype) {
        String pass = switch (kind) {
            case FORWARD -> "forward";
            case BACKWARD_DATA -> "data";
            case BACKWARD_WEIGHT -> "weight";
        };
        return "conv_" + pass + "_" + (dtype == DType.F32 ? "tf32" : dtype);
    }

    @Override
    public CudaLaunch bind(Call call) {
        TensorTile tile = tiling.tile();
        Split split = tiling.split();
        KernelLaunch.Builder builder = call.launch(module(pass.kind(), dtype), pass.kind().symbol("conv2d") + (dtype == DType.F32 ? "_tf32_" : "_mma_") + tile, dtype)
                .grid(tile.count(pass.rows(), pass.columns()), 1, deep())
                .block(tile.threads())
                .shared(tile.sharedBytes())
                .pointer(call.in(0)).pointer(call.in(1)).pointer(call.out(0)).pointer(split.parts() > 1 ? call.workspace() : 0)
                .struct(pass.parameters(split));
        CudaLaunch launch = (pass.kind() == ConvolutionPass.Kind.FORWARD ? builder.struct(epilogue.parameters(call)) : builder).build();
        return followed(call, launch, pass, tiling, epilogue);
    }

    @Override
    public String toString() {
        return name();
    }
}
