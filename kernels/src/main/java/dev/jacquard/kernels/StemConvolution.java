package dev.jacquard.kernels;

import dev.jacquard.kernels.ConvolutionPass.Kind;
import dev.jacquard.tensor.DType;
import java.util.List;

/**
 * A convolution of images with few channels on tensor cores, or its weights' gradient: the {@code conv_stem_*.cu} modules. The depth is (row of taps, element of the row), each row filled up to whole
 * chunks of 16 bytes.
 *
 * @param pass forward or the weights' gradient, of one group and without dilation of columns
 * @param dtype of its operands and results
 * @param tiling tile and split
 * @param epilogue what follows a forward pass
 */
record StemConvolution(ConvolutionPass pass, DType dtype, Tiling tiling, Epilogue epilogue) implements Candidate {
    /** Ways that are worth their while, the best by rule first; none where {@link TensorConvolution} does it, or neither can. */
    static List<Candidate> candidates(ConvolutionPass pass, DType dtype, Target target, Epilogue epilogue) {
        long chunk = 16 / dtype.bytes();
        boolean chunks = pass.c() % chunk != 0 && pass.k() % chunk == 0;
        if (!TensorConvolution.possible(pass, dtype, target) || !chunks || pass.groups() != 1 || pass.window().dilationW() != 1 || pass.kind() == Kind.BACKWARD_DATA) {
            return List.of();
        }
        boolean forward = pass.kind() == Kind.FORWARD;
        long taps = pass.r() * filled(pass, dtype);
        return Tiling.ranked(pass.rows(), forward ? pass.columns() : taps, forward ? taps : pass.depth(), 1, dtype, target).stream()
                .filter(t -> t.tile() == tile(pass) && (!epilogue.statistics() || t.split().parts() == 1))
                .map(t -> (Candidate) new StemConvolution(pass, dtype, t, epilogue)).toList();
    }

    private static TensorTile tile(ConvolutionPass pass) {
        return pass.kind() == Kind.FORWARD ? TensorTile.T128X64 : TensorTile.T64X64;
    }

    /** Elements of a row of taps with what fills it up. */
    private static long filled(ConvolutionPass pass, DType dtype) {
        long chunk = 16 / dtype.bytes();
        return Call.blocks(pass.s() * pass.c(), chunk) * chunk;
    }

    @Override
    public String name() {
        return "mma stem " + tiling;
    }

    @Override
    public long workspace() {
        return TensorConvolution.workspace(pass, tiling, epilogue);
    }

    @Override
    public CudaLaunch bind(Call call) {
        boolean forward = pass.kind() == Kind.FORWARD;
        boolean tf32 = dtype == DType.F32;
        long columns = forward ? pass.k() : pass.r() * filled(pass, dtype);
        TensorTile tile = tiling.tile();
        Split split = tiling.split();
        KernelLaunch.Builder builder = call.launch("conv_stem_" + (tf32 ? "tf32" : dtype), pass.kind().symbol("conv2d") + (tf32 ? "_stem_tf32_" : "_stem_mma_") + tile, dtype)
                .grid(tile.count(pass.rows(), columns), 1, split.parts())
                .block(tile.threads())
                .shared(tile.sharedBytes())
                .pointer(call.in(0)).pointer(call.in(1)).pointer(call.out(0)).pointer(split.parts() > 1 ? call.workspace() : 0)
                .struct(pass.parameters(split, filled(pass, dtype)));
        CudaLaunch launch = (forward ? builder.struct(epilogue.parameters(call)) : builder).build();
        return TensorConvolution.followed(call, launch, pass, tiling, epilogue);
    }

    @Override
    public String toString() {
        return name();
    }
}
