package dev.jacquard.kernels;

import dev.jacquard.kernels.ConvolutionPass.Kind;
import dev.jacquard.tensor.DType;
import java.math.BigInteger;
import java.util.List;

/**
 * A convolution of images with few channels on tensor cores, or its weights' gradient: the {@code conv_stem_*.cu} modules. The depth is (row of taps, element of the row), each row
 * filled up to whole chunks. Images come through strips of shared memory: of all rows that 128 pixels of the output look at.
 *
 * @param pass forward or the weights' gradient, of one group and without dilation of columns
 * @param dtype of its operands; of results, too, but for I8
 * @param tiling tile and split
 * @param epilogue what follows a forward pass
 * @param walkers blocks that share the tiles of a column of a forward pass
 */
record StemConvolution(ConvolutionPass pass, DType dtype, Tiling tiling, Epilogue epilogue, long walkers) implements Candidate {
    private static final int CHUNK = 16;
    /** Pixels of the output that a strip is for. */
    private static final int PIXELS = 128;
    /** Where tiles and parts of the depth begin: at multiples of this. */
    private static final int BEGIN = 16;
    /** What sums go through, in place of a strip. */
    private static final int STORE_BYTES = 16 << 10;

    /**
     * Ways that are worth their while, the best by rule first; none where {@link TensorConvolution} does it, or neither can, as where the strip of a high window
     * with large strides does not fit into shared memory.
     */
    static List<Candidate> candidates(ConvolutionPass pass, DType dtype, Target target, Epilogue epilogue) {
        long chunk = CHUNK / dtype.bytes();
        boolean chunks = pass.c() % chunk != 0 && pass.k() % chunk == 0;
        boolean possible = TensorConvolution.possible(pass, dtype, target) || dtype == DType.I8 && target.tensorCores() && TensorConvolution.fits(pass)
                && pass.kind() == Kind.FORWARD;
        if (!possible || !chunks || pass.groups() != 1 || pass.window().dilationW() != 1 || pass.kind() == Kind.BACKWARD_DATA) {
            return List.of();
        }
        boolean forward = pass.kind() == Kind.FORWARD;
        TensorTile tile = forward ? TensorTile.T128X64 : TensorTile.T64X64;
        long taps = pass.r() * filled(pass, dtype);
        long most = Math.max(1, (long) target.device().multiprocessors() * tile.resident() / Call.blocks(pass.columns(), tile.columns()));
        long tiles = Call.blocks(pass.rows(), tile.rows());
        return Tiling.ranked(pass.rows(), forward ? pass.columns() : taps, forward ? taps : pass.depth(), 1, dtype, target).stream()
                .filter(t -> t.tile() == tile && (!forward || t.split().parts() == 1))
                .map(t -> new StemConvolution(pass, dtype, t, epilogue, Call.blocks(tiles, Call.blocks(tiles, most))))
                .filter(c -> c.sharedBytes() <= target.device().sharedBytesPerBlock())
                .map(Candidate.class::cast).toList();
    }

    /** Elements of a row of taps with what fills it up: to chunks, and to what a forward product takes at once. */
    private static long filled(ConvolutionPass pass, DType dtype) {
        long whole = pass.kind() == Kind.FORWARD ? Math.max(8, CHUNK / dtype.bytes()) : CHUNK / dtype.bytes();
        return Call.blocks(pass.s() * pass.c(), whole) * whole;
    }

    /** At most so many bytes, for so many rows of taps: {@code Strip} in conv_strip.cuh. */
    private long stripBytes(long taps) {
        long step = pass.window().strideW() * pass.c();
        long chunks = Call.blocks((pass.ow() - 1) * step + filled(pass, dtype), CHUNK / dtype.bytes());
        long pitch = (chunks + (filled(pass, dtype) * dtype.bytes() / CHUNK - chunks & 7)) * CHUNK;
        long reach = (pass.r() - 1) * pass.window().dilationH() + 1;
        long lines = Math.min(pass.n() * pass.oh(), Call.blocks(pass.ow() - gcd(pass.ow(), BEGIN) + PIXELS, pass.ow()));
        long images = Math.min(pass.n(), Call.blocks(PIXELS - 1, pass.oh() * pass.ow()) + 1);
        long rows = (lines - 1) * pass.window().strideH() + (images - 1) * Math.max(0, reach - pass.window().strideH()) + (taps - 1) * pass.window().dilationH() + 1;
        long plane = align(rows * pitch);
        long pair = dtype == DType.I8 ? 4 : 2;
        long more = pair / gcd(step, pair) - 1;
        return plane + more * (plane + 64);
    }

    private static long gcd(long a, long b) {
        return BigInteger.valueOf(a).gcd(BigInteger.valueOf(b)).longValueExact();
    }

    private static long align(long bytes) {
        return Call.blocks(bytes, PIXELS) * PIXELS;
    }

    /** Of a forward pass: where weights begin in shared memory. */
    private long weightsAt() {
        return Math.max(stripBytes(pass.r()), STORE_BYTES);
    }

    private long sharedBytes() {
        TensorTile tile = tiling.tile();
        if (pass.kind() == Kind.FORWARD) {
            long line = 2 * Call.blocks(pass.r() * filled(pass, dtype) * dtype.bytes(), 2 * CHUNK) + 1;
            return weightsAt() + tile.columns() * line * CHUNK;
        }
        long taps = Math.min(pass.r(), (tile.columns() - 1) / filled(pass, dtype) + 2);
        return tile.sharedBytes() + stripBytes(taps);
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
        TensorTile tile = tiling.tile();
        Split split = tiling.split();
        long filled = filled(pass, dtype);
        KernelLaunch.Builder builder = call.launch("conv_stem_" + (tf32 ? "tf32" : dtype), pass.kind().symbol("conv2d") + (tf32 ? "_stem_tf32_" : "_stem_mma_") + tile, dtype)
                .grid(forward ? walkers * Call.blocks(pass.k(), tile.columns()) : tile.count(pass.rows(), pass.r() * filled), 1, split.parts())
                .block(tile.threads())
                .shared(Math.toIntExact(sharedBytes()))
                .pointer(call.in(0)).pointer(call.in(1)).pointer(call.out(0));
        if (dtype == DType.I8) {
            builder.i32(ByteProduct.code(call.out().getFirst().dtype()));
        }
        if (forward) {
            builder.struct(pass.parameters(split, filled)).struct(epilogue.parameters(call)).i32(weightsAt());
        } else {
            builder.pointer(split.parts() > 1 ? call.workspace() : 0).struct(pass.parameters(split, filled));
        }
        return TensorConvolution.followed(call, builder.build(), pass, tiling, epilogue);
    }

    @Override
    public String toString() {
        return name();
    }
}
