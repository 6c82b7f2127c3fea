package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import java.util.List;

/**
 * A convolution of I8 operands on tensor cores with its epilogue, of inputs 0 and 1 into output 0: kernel conv_forward_i8.cu. Those of few channels are {@link StemConvolution}s.
 * Its depth is not divided: sums of parts would have to be in I32.
 *
 * @param pass forward
 * @param tile of a block
 * @param epilogue what follows
 */
record ByteConvolution(ConvolutionPass pass, TensorTile tile, Epilogue epilogue) implements Candidate {
    private static final int CHUNK = 16;

    /** All tiles, the best by rule first; none where there is no kernel. */
    static List<Candidate> candidates(ConvolutionPass pass, Target target, Epilogue epilogue) {
        if (pass.product() != null) {
            return ByteProduct.candidates(pass.rows(), pass.k(), pass.c(), target, epilogue);
        }
        if (pass.c() % CHUNK != 0 && pass.depth() <= ByteProduct.MOST_DEPTH) {
            return StemConvolution.candidates(pass, DType.I8, target, epilogue);
        }
        boolean chunks = pass.c() / pass.groups() % CHUNK == 0 && pass.k() / pass.groups() % CHUNK == 0;
        if (!target.tensorCores() || !chunks || !TensorConvolution.fits(pass) || pass.depth() > ByteProduct.MOST_DEPTH) {
            return List.of();
        }
        return Tiling.ranked(pass.rows(), pass.columns(), pass.depth(), pass.groups(), DType.I8, target).stream()
                .filter(t -> t.split().parts() == 1 && t.tile() != TensorTile.T128X256)
                .map(t -> (Candidate) new ByteConvolution(pass, t.tile(), epilogue)).toList();
    }

    @Override
    public String name() {
        return "mma " + tile;
    }

    @Override
    public long workspace() {
        return 0;
    }

    @Override
    public CudaLaunch bind(Call call) {
        return call.launch("conv_forward_i8", "conv2d_mma_" + tile, DType.I8)
                .grid(tile.count(pass.rows(), pass.columns()), 1, pass.groups())
                .block(tile.threads())
                .shared(tile.sharedBytes())
                .pointer(call.in(0)).pointer(call.in(1)).pointer(call.out(0)).i32(ByteProduct.code(call.out().getFirst().dtype()))
                .struct(pass.parameters(new Split(1, Math.toIntExact(Call.blocks(pass.depth(), TensorTile.depth(DType.I8)) * TensorTile.depth(DType.I8)))))
                .struct(epilogue.parameters(call))
                .build();
    }

    @Override
    public String toString() {
        return name();
    }
}
