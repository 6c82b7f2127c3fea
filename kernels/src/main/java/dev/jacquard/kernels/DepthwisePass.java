package dev.jacquard.kernels;

import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Window;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * How depthwise.cu computes a pass: which kernel, and how an image is cut into strips of columns and rows, one for each thread of 4 channels. All of it follows from the shape
 * alone.
 *
 * @param pass what is computed
 */
record DepthwisePass(ConvolutionPass pass) {
    /** The module whose forward kernels have an epilogue. */
    static final String SCALE_SHIFT = "depthwise_scale_shift";
    private static final int THREADS = 128;
    /** Channels of a thread. */
    private static final int QUAD = 4;
    /** Quads of channels of a block, at most. */
    private static final long BLOCK_QUADS = 32;
    /** Blocks that keep a large device busy; strips are shortened until there are so many. */
    private static final long ENOUGH_BLOCKS = 1056;
    /** Rows of a strip: fewer load more of the image twice, more leave the last blocks of a grid alone for longer. */
    private static final long FEWEST_ROWS = 4;
    private static final long MOST_ROWS = 28;
    /** Parts that the images are cut into for weight gradients, whose sums are added up at the end, at most: they stay small beside the images. */
    private static final long MOST_SUMS = 256;
    /**
     * With few channels there are more parts, for so many blocks in all: three for each multiprocessor of the largest devices, which is what their registers hold in every type.
     */
    private static final long ENOUGH_SUMS = 396;

    /** Whether there are kernels for a pass: each channel for itself, in fours; 3x3 or 5x5, stride 1 or 2. */
    static boolean takes(ConvolutionPass p) {
        Window w = p.window();
        return p.depthwise() && p.c() % QUAD == 0 && p.r() == p.s() && (p.r() == 3 || p.r() == 5)
                && w.strideH() == w.strideW() && w.strideH() <= 2 && w.dilationH() == 1 && w.dilationW() == 1;
    }

    private boolean is(ConvolutionPass.Kind kind) {
        return pass.kind() == kind;
    }

    private int stride() {
        return pass.window().strideH();
    }

    /** With stride 1, the gradient by x is a convolution with the taps turned around. */
    private boolean flipped() {
        return is(ConvolutionPass.Kind.BACKWARD_DATA) && stride() == 1;
    }

    /** Whether pairs of rows of x are the unit, in coordinates that count the padding. */
    private boolean pairs() {
        return is(ConvolutionPass.Kind.BACKWARD_DATA) && stride() == 2;
    }

    private String symbol() {
        String forward = "depthwise" + pass.r() + "s" + stride();
        return flipped() ? forward : pass.kind().symbol(forward);
    }

    private long quads() {
        return pass.c() / QUAD;
    }

    /** Threads of a block side by side on channels; their bytes are whole sectors of memory in every type. */
    private long across() {
        long blocks = Call.blocks(quads(), BLOCK_QUADS);
        return blocks == 1 ? quads() : Call.blocks(Call.blocks(quads(), blocks), 4) * 4;
    }

    private long down() {
        return THREADS / across();
    }

    private long channelBlocks() {
        return Call.blocks(quads(), across());
    }

    /** Rows that strips are cut from. */
    private long height() {
        return pairs() ? Call.blocks(pass.h() + pass.window().top(), 2) : flipped() ? pass.h() : pass.oh();
    }

    /** Strips side by side. */
    private long strips() {
        long width = pairs() ? pass.w() + pass.window().left() : flipped() ? pass.w() : pass.ow();
        return Call.blocks(width, is(ConvolutionPass.Kind.BACKWARD_WEIGHT) && pass.r() == 5 ? 2 : 4);
    }

    private long rows() {
        long blocksPerChunk = Call.blocks(pass.n() * strips(), down()) * channelBlocks();
        long chunks = Math.max(Call.blocks(height(), MOST_ROWS), Math.min(Call.blocks(ENOUGH_BLOCKS, blocksPerChunk), Call.blocks(height(), FEWEST_ROWS)));
        return Call.blocks(height(), chunks);
    }

    private long chunks() {
        return Call.blocks(height(), rows());
    }

    private long stripBlocks() {
        long blocks = Call.blocks(pass.n() * chunks() * strips(), down());
        return is(ConvolutionPass.Kind.BACKWARD_WEIGHT) ? Math.min(blocks, Math.max(MOST_SUMS, ENOUGH_SUMS / channelBlocks())) : blocks;
    }

    /** Scratch for sums of blocks, in bytes. */
    long workspace() {
        return is(ConvolutionPass.Kind.BACKWARD_WEIGHT) ? stripBlocks() * pass.results() * Float.BYTES : 0;
    }

    /** Launches the pass: inputs 0 and 1 to output 0. */
    CudaLaunch bind(Call call) {
        boolean sums = is(ConvolutionPass.Kind.BACKWARD_WEIGHT);
        CudaLaunch launch = call.launch("depthwise", symbol(), call.out().getFirst().dtype())
                .grid(stripBlocks(), channelBlocks(), 1)
                .block((int) across(), (int) down(), 1)
                .pointer(call.in(0)).pointer(call.in(1)).pointer(sums ? call.workspace() : call.out(0))
                .struct(parameters())
                .build();
        if (!sums) {
            return launch;
        }
        return call.sequence(launch, call.launch("depthwise", "depthwise_weight_sum", call.out().getFirst().dtype())
                .grid(Call.blocks(pass.c(), 16))
                .block(512)
                .pointer(call.workspace()).pointer(call.out(0)).i32(pass.c()).i32(pass.r() * pass.s()).i32(stripBlocks())
                .build());
    }

    /** Launches a forward pass with what follows it, by depthwise_scale_shift.cu: inputs 0 and 1, scale 2 and shift 3 to output 0. */
    CudaLaunch bindScaleShift(Call call, Nonlinearity activation) {
        return call.launch(SCALE_SHIFT, SCALE_SHIFT + pass.r() + "s" + stride(), call.out().getFirst().dtype())
                .grid(stripBlocks(), channelBlocks(), 1)
                .block((int) across(), (int) down(), 1)
                .pointer(call.in(0)).pointer(call.in(1)).pointer(call.out(0)).pointer(call.in(2)).pointer(call.in(3)).i32(activation.ordinal())
                .struct(parameters())
                .build();
    }

    /** {@code struct Depthwise} of depthwise.cuh. */
    private MemorySegment parameters() {
        Window w = pass.window();
        boolean turn = flipped();
        LongStream images = turn ? LongStream.of(pass.n(), pass.oh(), pass.ow(), pass.c(), pass.h(), pass.w(), pass.r() - 1 - w.top(), pass.s() - 1 - w.left())
                : LongStream.of(pass.n(), pass.h(), pass.w(), pass.c(), pass.oh(), pass.ow(), w.top(), w.left());
        return MemorySegment.ofArray(IntStream.concat(images.mapToInt(Math::toIntExact), LongStream.of(rows(), chunks(), strips(), turn ? 1 : 0).mapToInt(Math::toIntExact))
                .toArray());
    }
}
