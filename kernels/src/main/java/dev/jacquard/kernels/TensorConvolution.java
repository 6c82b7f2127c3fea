package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A pass of a convolution as an implicit matrix product on tensor cores: the {@code conv_*.cu} modules. Sums are in F32; operands of F32 are rounded to TF32, to nearest.
 *
 * @param pass which
 * @param dtype of its operands and results
 * @param tile what a block computes
 * @param split of the depth
 */
record TensorConvolution(ConvolutionPass pass, DType dtype, Tile tile, Split split) {
    /** The most rows or columns of taps: each is a bit of half a word. */
    private static final long MOST_TAPS = 16;
    private static final int DEPTH_BYTES = 64;
    private static final int[] PARTS = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128};
    /** Numbers of parts that are offered for a tile. */
    private static final int OFFERED = 2;

    /**
     * What a block computes.
     *
     * @param rows of results
     * @param columns of results
     * @param stages of the pipeline
     * @param efficiency the part of the tensor cores' rate that it may reach: operands of larger tiles are read less often, from global and shared memory. Estimates; nothing was timed yet
     */
    record Tile(int rows, int columns, int stages, double efficiency) {
        private static final Tile SQUARE = new Tile(128, 128, 3, 1);
        private static final Tile TALL = new Tile(128, 64, 3, 0.8);
        private static final Tile WIDE = new Tile(64, 128, 3, 0.8);
        private static final Tile SMALL = new Tile(64, 64, 4, 0.6);

        int threads() {
            return 128;
        }

        int sharedBytes() {
            return stages * (rows + columns) * DEPTH_BYTES;
        }

        long count(ConvolutionPass pass) {
            return Call.blocks(pass.rows(), rows) * Call.blocks(pass.columns(), columns);
        }

        @Override
        public String toString() {
            return rows + "x" + columns;
        }
    }

    /** All of a pass, the one that is likely the fastest first; none where channels are no multiple of 16 bytes, or the target has no tensor cores for the type. */
    static List<TensorConvolution.Ranked> ranked(ConvolutionPass pass, DType dtype, Target target) {
        if (!takes(pass, dtype, target)) {
            return List.of();
        }
        List<Tile> tiles = List.of(Tile.SQUARE, pass.kind() == ConvolutionPass.Kind.BACKWARD_WEIGHT ? Tile.WIDE : Tile.TALL, Tile.SMALL);
        List<Ranked> all = new ArrayList<>();
        for (Tile tile : tiles) {
            IntStream.of(PARTS).mapToObj(parts -> new TensorConvolution(pass, dtype, tile, split(pass, dtype, parts))).distinct().map(c -> new Ranked(c, c.time(target)))
                    .sorted(Comparator.comparingDouble(Ranked::time)).limit(OFFERED).forEach(all::add);
        }
        all.sort(Comparator.comparingDouble(Ranked::time));
        return List.copyOf(all);
    }

    /** The same, as candidates. */
    static List<Candidate> candidates(ConvolutionPass pass, DType dtype, Target target) {
        return ranked(pass, dtype, target).stream().map(r -> r.convolution().candidate()).toList();
    }

    /** One with its estimated time, in multiply-adds of a multiprocessor. */
    record Ranked(TensorConvolution convolution, double time) {}

    private static boolean takes(ConvolutionPass pass, DType dtype, Target target) {
        boolean type = dtype == DType.F16 || dtype == DType.BF16 || dtype == DType.F32 && target.tf32();
        long chunk = 16 / dtype.bytes();
        boolean chunks = pass.c() / pass.groups() % chunk == 0 && pass.k() / pass.groups() % chunk == 0;
        boolean small = pass.n() * pass.h() * pass.w() * pass.c() <= Integer.MAX_VALUE && pass.n() * pass.oh() * pass.ow() * pass.k() <= Integer.MAX_VALUE;
        return target.tensorCores() && type && chunks && small && pass.r() <= MOST_TAPS && pass.s() <= MOST_TAPS;
    }

    private static Split split(ConvolutionPass pass, DType dtype, int parts) {
        long slice = DEPTH_BYTES / dtype.bytes();
        long each = Call.blocks(Call.blocks(pass.depth(), parts), slice) * slice;
        return new Split(Math.toIntExact(Call.blocks(pass.depth(), each)), Math.toIntExact(each));
    }

    private long blocks() {
        return tile.count(pass) * pass.groups() * pass.phases() * split.parts();
    }

    /**
     * An estimate by waves: multiprocessors work through their blocks one after the other, and a launch lasts as long as the fullest of them. The numbers are those of an H100's data sheet, in
     * multiply-adds that a multiprocessor makes in the time: some 0.3 for a byte of memory traffic, 4 million for another launch.
     */
    private double time(Target target) {
        double perMultiprocessor = Call.blocks(blocks(), target.device().multiprocessors());
        double block = (double) tile.rows * tile.columns * (split.depth() + 3.0 * tile.stages * DEPTH_BYTES / dtype.bytes());
        double alone = perMultiprocessor == 1 ? 1.3 : 1; // nobody multiplies while a single block waits
        double sums = split.parts() == 1 ? 0 : 4e6 + 0.3 * 2 * split.workspace(pass.results());
        return perMultiprocessor * block / tile.efficiency * alone * (dtype == DType.F32 ? 2 : 1) + sums;
    }

    /** {@code mma 128x64 split 3}, {@code tf32 128x128}. */
    String name() {
        return (dtype == DType.F32 ? "tf32 " : "mma ") + tile + (split.parts() > 1 ? " split " + split.parts() : "");
    }

    private Candidate candidate() {
        return Candidate.of(name(), split.workspace(pass.results()), this::bind);
    }

    /** Name of the .cu file. */
    String module() {
        String kind = switch (pass.kind()) {
            case FORWARD -> "forward";
            case BACKWARD_DATA -> "data";
            case BACKWARD_WEIGHT -> "weight";
        };
        return "conv_" + kind + "_" + (dtype == DType.F32 ? "tf32" : dtype);
    }

    /** Values of the names in the Traffic lines. */
    Map<String, Long> sizes() {
        return pass.sizes(split.workspace(pass.results()));
    }

    /** Launches the pass: inputs 0 and 1 to output 0. */
    CudaLaunch bind(Call call) {
        CudaLaunch launch = call.launch(module(), pass.kind().symbol("conv2d") + (dtype == DType.F32 ? "_tf32_" : "_mma_") + tile, dtype)
                .grid(tile.count(pass), 1, (long) pass.groups() * pass.phases() * split.parts())
                .block(tile.threads())
                .shared(tile.sharedBytes())
                .pointer(call.in(0)).pointer(call.in(1)).pointer(call.out(0)).pointer(call.workspace())
                .struct(pass.parameters(split))
                .build();
        return split.then(call, launch);
    }
}
