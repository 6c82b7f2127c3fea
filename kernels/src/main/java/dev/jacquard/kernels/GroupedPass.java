package dev.jacquard.kernels;

import dev.jacquard.kernels.ConvolutionPass.Kind;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/**
 * How the grouped_*.cu modules compute a pass of a grouped 3x3 convolution on tensor cores: which kernel, and how images are cut into units of work, 8 strips of 8 columns by a run
 * of rows. All of it follows from the shape alone, so that results do not depend on the device.
 *
 * @param pass what is computed
 * @param epilogue what follows a forward pass
 * @param fewestRows of a run: fewer load more of the halo, more leave multiprocessors idle where images are few
 */
record GroupedPass(ConvolutionPass pass, Epilogue epilogue, long fewestRows) {
    private static final String NAME = "grouped";
    /** Channels of a block. */
    private static final int SLAB = 32;
    /** Bytes of a slab of a pixel. */
    private static final int PIXEL = 64;
    /** Columns of a strip. */
    private static final long COLUMNS = 8;
    private static final int WEIGHT_BYTES = SLAB * (9 * 32 + 8) * 2;
    private static final int SUM_BYTES = SLAB * (9 * 32 + 8) * 4;
    /** Blocks that keep a large device busy; runs of rows are shortened until there are so many. */
    private static final long ENOUGH_BLOCKS = 528;
    /** With so many, blocks go on to further units, and load their weights once for all. */
    private static final long MANY_BLOCKS = 1056;
    /** Of weight gradients, whose sums are added up at the end: two for each multiprocessor of the largest devices, which is what their registers hold. */
    private static final long ENOUGH_SUMS = 264;
    private static final long LONG_RUNS = 7;
    private static final long SHORT_RUNS = 2;
    /** Blocks of units that a grid can have. */
    private static final long MOST_BLOCKS = 65_535;

    /**
     * Ways to compute a pass, with long runs of rows and, where that makes a difference, with short ones, if there are kernels for it: as many channels out as in, groups of 4, 8,
     * 16 or 32; 3x3, stride 1 or 2, without dilation; scale, shift and ReLU behind it.
     */
    static List<Candidate> candidates(ConvolutionPass p, DType dtype, Target target, Epilogue epilogue) {
        if (!target.tensorCores() || dtype != DType.F16 && dtype != DType.BF16 || !takes(p)
                || epilogue.statistics() || epilogue.residual() != Epilogue.ABSENT || epilogue.activation() != Nonlinearity.NONE && epilogue.activation() != Nonlinearity.RELU) {
            return List.of();
        }
        GroupedPass runs = new GroupedPass(p, epilogue, LONG_RUNS);
        GroupedPass shorter = new GroupedPass(p, epilogue, SHORT_RUNS);
        Candidate best = Candidate.of(NAME, runs.workspace(), runs::bind);
        return shorter.rows() == runs.rows() ? List.of(best) : List.of(best, Candidate.of(NAME + " short", shorter.workspace(), shorter::bind));
    }

    private static boolean takes(ConvolutionPass p) {
        Window w = p.window();
        long width = p.c() / p.groups();
        return p.c() == p.k() && p.c() % SLAB == 0 && (width == 4 || width == 8 || width == 16 || width == 32)
                && p.r() == 3 && p.s() == 3 && w.strideH() == w.strideW() && w.strideH() <= 2 && w.dilationH() == 1 && w.dilationW() == 1
                && w.top() <= 2 && w.left() <= 2;
    }

    private boolean is(Kind kind) {
        return pass.kind() == kind;
    }

    private int stride() {
        return pass.window().strideH();
    }

    /** With stride 1, the gradient by x is a convolution with the taps turned around. */
    private boolean flipped() {
        return is(Kind.BACKWARD_DATA) && stride() == 1;
    }

    /** Whether pairs of rows and columns of x are the unit, in coordinates that count the padding. */
    private boolean pairs() {
        return is(Kind.BACKWARD_DATA) && stride() == 2;
    }

    private long width() {
        return pass.c() / pass.groups();
    }

    /** Without the type. */
    private String symbol() {
        boolean weight = is(Kind.BACKWARD_WEIGHT);
        String forward = "grouped" + Math.max(width(), weight ? 16 : 8) + "s" + stride();
        return flipped() ? forward : pass.kind().symbol(forward);
    }

    private String module(DType dtype) {
        return (flipped() || is(Kind.FORWARD) ? "grouped_forward" : pass.kind().symbol("grouped")) + "_" + dtype;
    }

    /** Of a block; as many strips side by side. */
    private int warps() {
        return width() == 32 && !is(Kind.BACKWARD_WEIGHT) ? 4 : 8;
    }

    private long slabs() {
        return pass.c() / SLAB;
    }

    /** Rows that runs are cut from. */
    private long height() {
        return pairs() ? Call.blocks(pass.h() + pass.window().top(), 2) : flipped() ? pass.h() : pass.oh();
    }

    /** Strips of an image, side by side. */
    private long strips() {
        long columns = pairs() ? Call.blocks(pass.w() + pass.window().left(), 2) : flipped() ? pass.w() : pass.ow();
        return Call.blocks(columns, COLUMNS);
    }

    /** Parts that an image's strips are divided into, for different blocks. */
    private long segments() {
        return Call.blocks(strips(), warps());
    }

    /** Strips of an image in a unit. */
    private long span() {
        return Call.blocks(strips(), segments());
    }

    /** Images side by side in a unit. */
    private long abreast() {
        return Math.max(1, Math.min(pass.n(), warps() / span()));
    }

    /** Units beside each other. */
    private long columns() {
        return Call.blocks(pass.n(), abreast()) * segments();
    }

    /** Rows of a unit. */
    long rows() {
        long enough = is(Kind.BACKWARD_WEIGHT) ? ENOUGH_SUMS : ENOUGH_BLOCKS;
        long chunks = Math.min(Call.blocks(enough, columns() * slabs()), Call.blocks(height(), fewestRows));
        return Call.blocks(height(), chunks);
    }

    private long chunks() {
        return Call.blocks(height(), rows());
    }

    private long units() {
        return columns() * chunks();
    }

    private long perBlock() {
        long blocks = Math.min(MOST_BLOCKS, Math.max(1, (is(Kind.BACKWARD_WEIGHT) ? ENOUGH_SUMS : MANY_BLOCKS) / slabs()));
        return Call.blocks(units(), blocks);
    }

    private long blocks() {
        return Call.blocks(units(), perBlock());
    }

    /** Scratch for sums of blocks, in bytes. */
    long workspace() {
        return is(Kind.BACKWARD_WEIGHT) ? blocks() * pass.results() * Float.BYTES : 0;
    }

    private boolean gathersGradient() {
        return is(Kind.BACKWARD_DATA);
    }

    private int top() {
        return flipped() ? 2 - pass.window().top() : pass.window().top();
    }

    private int left() {
        return flipped() ? 2 - pass.window().left() : pass.window().left();
    }

    /** Launches the pass: inputs 0 and 1 to output 0. */
    CudaLaunch bind(Call call) {
        boolean sums = is(Kind.BACKWARD_WEIGHT);
        DType dtype = call.out().getFirst().dtype();
        KernelLaunch.Builder builder = call.launch(module(dtype), symbol(), dtype)
                .grid(slabs(), blocks(), 1)
                .block(32 * warps())
                .shared(sharedBytes())
                .pointer(call.in(0)).pointer(call.in(1)).pointer(sums ? call.workspace() : call.out(0))
                .struct(parameters());
        if (!sums) {
            return (pairs() ? builder : builder.struct(epilogue.parameters(call))).build();
        }
        return call.sequence(builder.build(), call.launch("split_sum", "split_sum", dtype)
                .grid(Call.blocks(pass.results(), 4L * Call.BLOCK))
                .block(Call.BLOCK)
                .pointer(call.workspace()).pointer(call.out(0)).i64(pass.results()).i32(blocks())
                .build());
    }

    /** The stages, and the weights behind them; of weight gradients, their sums where the stages were. */
    private int sharedBytes() {
        long x = warps() * (pairs() ? COLUMNS + 1 : COLUMNS * stride() + 2) * (pairs() ? 1 : stride());
        int stages = pairs() || stride() == 1 ? 4 : 3;
        if (is(Kind.BACKWARD_WEIGHT)) {
            return Math.toIntExact(Math.max(stages * (x + warps() * COLUMNS) * PIXEL, SUM_BYTES));
        }
        return Math.toIntExact(stages * x * PIXEL + WEIGHT_BYTES);
    }

    /** The 3x3 convolutions of ResNeXt with 32 groups, each pass of each stage's, in both types. @param batch images per batch */
    static List<Workload> workloads(long batch) {
        List<Workload> all = new ArrayList<>();
        for (DType dtype : List.of(DType.F16, DType.BF16)) {
            for (Kind kind : Kind.values()) {
                for (long width = 4; width <= 32; width *= 2) {
                    all.add(workload(dtype, kind, 1, batch, 224 / width, width));
                    if (width > 4) {
                        all.add(workload(dtype, kind, 2, batch, 448 / width, width)); // the stage's first
                    }
                }
            }
        }
        return List.copyOf(all);
    }

    private static Workload workload(DType dtype, Kind kind, int stride, long n, long h, long width) {
        long c = 32 * width;
        Sample sample = ProductKernels.sample(kind, Window.of(stride, 1), 32, n, h, c, c, 3);
        GroupedPass pass = new GroupedPass(ConvolutionPass.ofTypes((Convolution) sample.op(), sample.types()), Epilogue.NONE, LONG_RUNS);
        return new Workload(pass.module(dtype), sample, pass.pass.sizes(pass.workspace())).by(NAME, dtype);
    }

    /** {@code struct Grouped} of grouped.cuh. */
    private MemorySegment parameters() {
        LongStream images = gathersGradient() ? LongStream.of(pass.n(), pass.oh(), pass.ow(), pass.h(), pass.w())
                : LongStream.of(pass.n(), pass.h(), pass.w(), pass.oh(), pass.ow());
        LongStream units = LongStream.of(pass.c(), top(), left(), rows(), chunks(), span(), segments(), abreast(), units(), perBlock(), width(), flipped() ? 1 : 0);
        return MemorySegment.ofArray(LongStream.concat(images, units).mapToInt(Math::toIntExact).toArray());
    }
}
