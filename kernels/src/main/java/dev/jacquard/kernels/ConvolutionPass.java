package dev.jacquard.kernels;

import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.Window;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * One of the three passes over a convolution, with the extents of all that takes part.
 *
 * @param kind which
 * @param window stride, padding, dilation
 * @param groups of channels
 * @param n images
 * @param h their rows
 * @param w their columns
 * @param c their channels
 * @param oh rows of the output
 * @param ow columns of the output
 * @param k channels of the output
 * @param r rows of the kernel
 * @param s columns of the kernel
 */
record ConvolutionPass(Kind kind, Window window, int groups, long n, long h, long w, long c, long oh, long ow, long k, long r, long s) {
    /** The passes. */
    enum Kind {
        FORWARD(""), BACKWARD_DATA("_backward_data"), BACKWARD_WEIGHT("_backward_weight");

        private final String suffix;

        Kind(String suffix) {
            this.suffix = suffix;
        }

        /** The name of a pass's kernel, from that of the forward. */
        String symbol(String forward) {
            return forward + suffix;
        }
    }

    /** Checks that the kernels' 32-bit indices reach everything. @throws ShapeException if not */
    ConvolutionPass {
        for (long extent : new long[] {n * h * w, n * oh * ow, h * w * c, oh * ow * k, k * r * s * (c / groups)}) {
            if (extent > Integer.MAX_VALUE) {
                throw new ShapeException("convolution", "too large for the CUDA kernels", "images " + List.of(n, h, w, c) + ", outputs " + List.of(n, oh, ow, k),
                        "fewer than 2^31 pixels in all, elements of an image, and weights", "use a smaller batch, or smaller images");
            }
        }
    }

    /** The pass that an op is on operands of these shapes. */
    static ConvolutionPass of(Convolution op, List<Shape> in) {
        Shape a = in.get(0);
        Shape b = in.get(1);
        return switch (op) {
            case Conv2d o -> new ConvolutionPass(Kind.FORWARD, o.window(), o.groups(), a.dim(0), a.dim(1), a.dim(2), a.dim(3),
                    o.window().outH(a.dim(1), b.dim(1)), o.window().outW(a.dim(2), b.dim(2)), b.dim(0), b.dim(1), b.dim(2));
            case Conv2dBackwardData o -> new ConvolutionPass(Kind.BACKWARD_DATA, o.window(), o.groups(), a.dim(0), o.h(), o.w(), b.dim(3) * o.groups(),
                    a.dim(1), a.dim(2), a.dim(3), b.dim(1), b.dim(2));
            case Conv2dBackwardWeight o -> new ConvolutionPass(Kind.BACKWARD_WEIGHT, o.window(), o.groups(), a.dim(0), a.dim(1), a.dim(2), a.dim(3),
                    b.dim(1), b.dim(2), b.dim(3), o.r(), o.s());
        };
    }

    /** The pass that an op is on operands of these types. */
    static ConvolutionPass ofTypes(Convolution op, List<TensorType> in) {
        return of(op, in.stream().map(TensorType::shape).toList());
    }

    /** Whether each channel is convolved for itself. */
    boolean depthwise() {
        return groups == c && c == k;
    }

    /** The matrix product that this is if the kernel is 1x1 and reads every pixel once, else null. */
    Product product() {
        if (groups != 1 || r != 1 || s != 1 || oh != h || ow != w || !window.equals(Window.of(1, 0))) {
            return null;
        }
        long pixels = n * h * w;
        return switch (kind) {
            case FORWARD -> new Product(pixels, k, c, false, true);
            case BACKWARD_DATA -> new Product(pixels, c, k, false, false);
            case BACKWARD_WEIGHT -> new Product(k, c, pixels, true, false);
        };
    }

    /** Elements of what is computed. */
    long results() {
        return switch (kind) {
            case FORWARD -> n * oh * ow * k;
            case BACKWARD_DATA -> n * h * w * c;
            case BACKWARD_WEIGHT -> k * r * s * (c / groups);
        };
    }

    /** Values of the names in the Traffic lines. @param workspace bytes of partial sums; 0 if results are written at once */
    Map<String, Long> sizes(long workspace) {
        Map<String, Long> sizes = new HashMap<>(Map.of("n", n, "h", h, "w", w, "c", c, "oh", oh, "ow", ow, "k", k, "r", r, "s", s, "g", (long) groups));
        sizes.putAll(Map.of("outputs", results(), "p", workspace / Float.BYTES, "y", workspace > 0 ? 0 : results()));
        return Map.copyOf(sizes);
    }

    /** Residues of pixels modulo the stride that meet different taps. */
    int phases() {
        return kind == Kind.BACKWARD_DATA ? window.strideH() * window.strideW() : 1;
    }

    /** Rows of the implicit product, of one group and phase. */
    long rows() {
        return switch (kind) {
            case FORWARD -> n * oh * ow;
            case BACKWARD_DATA -> n * area();
            case BACKWARD_WEIGHT -> k / groups;
        };
    }

    /** Columns of the implicit product, of one group and phase. */
    long columns() {
        return switch (kind) {
            case FORWARD -> k / groups;
            case BACKWARD_DATA -> c / groups;
            case BACKWARD_WEIGHT -> r * s * (c / groups);
        };
    }

    /** Depth of the implicit product, of the phase that meets the most taps. */
    long depth() {
        return switch (kind) {
            case FORWARD -> r * s * (c / groups);
            case BACKWARD_DATA -> Call.blocks(r, rowStep()) * Call.blocks(s, columnStep()) * (k / groups);
            case BACKWARD_WEIGHT -> n * oh * ow;
        };
    }

    private long tiles() {
        return tile().count(rows(), columns());
    }

    private Tile tile() {
        if (c / groups % 4 != 0 || k / groups % 4 != 0) {
            return Tile.SQUARE;
        }
        return switch (kind) {
            case FORWARD -> Tile.thin(k / groups) ? Tile.NARROW : Tile.SQUARE;
            case BACKWARD_DATA -> Tile.thin(c / groups) ? Tile.NARROW : Tile.SQUARE;
            case BACKWARD_WEIGHT -> Tile.thin(k / groups) ? Tile.FLAT : Tile.SQUARE;
        };
    }

    /** Of the implicit product, over groups and phases. */
    Split split() {
        return Split.of(tiles() * groups * phases(), depth());
    }

    /** Pixels of an image that rows (for the weights' gradient: depth) of the product go through. */
    private long area() {
        return kind == Kind.BACKWARD_DATA ? Call.blocks(h, window.strideH()) * Call.blocks(w, window.strideW()) : oh * ow;
    }

    private int rowStep() {
        return window.strideH() / gcd(window.strideH(), window.dilationH());
    }

    private int columnStep() {
        return window.strideW() / gcd(window.strideW(), window.dilationW());
    }

    private static int gcd(int a, int b) {
        return b == 0 ? a : gcd(b, a % b);
    }

    /** On the CUDA cores: inputs 0 and 1 to output 0, with what follows. */
    Candidate simt(Epilogue epilogue) {
        Split split = epilogue.isNone() ? split() : split().leavingSums();
        return Candidate.of("simt", split.workspace(results()), call -> epilogue.isNone() ? split.then(call, launch(call, split))
                : split.then(call, launch(call, split), epilogue, k));
    }

    /** Launches the pass as an implicit matrix product. */
    private CudaLaunch launch(Call call, Split split) {
        return call.launch("convolution", tile().symbol(kind.symbol("conv2d")), call.out().getFirst().dtype())
                .grid(tiles(), 1, (long) groups * phases() * split.parts())
                .block(Tile.THREADS)
                .pointer(call.in(0)).pointer(call.in(1)).pointer(call.out(0)).pointer(call.workspace())
                .struct(parameters(split))
                .build();
    }

    /** {@code struct Convolution} of convolution.cuh. */
    MemorySegment parameters(Split split) {
        return parameters(split, (kind == Kind.BACKWARD_DATA ? k : c) / groups);
    }

    /** The same. @param channels of a group in the depth of the product, or of a row of taps with what fills it up */
    MemorySegment parameters(Split split, long channels) {
        boolean data = kind == Kind.BACKWARD_DATA;
        IntStream extents = LongStream.of(n, h, w, c, oh, ow, k, r, s).mapToInt(Math::toIntExact);
        IntStream steps = IntStream.of(window.strideH(), window.strideW(), window.top(), window.left(), window.dilationH(), window.dilationW(), groups, split.parts(),
                split.depth(),
                rowStep(), columnStep(), window.dilationH() / gcd(window.strideH(), window.dilationH()), window.dilationW() / gcd(window.strideW(), window.dilationW()),
                c / groups % 4 == 0 ? 1 : 0, k / groups % 4 == 0 ? 1 : 0);
        IntStream divisors = List.of(
                Divisor.of(area()),
                Divisor.of(data ? Call.blocks(w, window.strideW()) : ow),
                Divisor.of(channels),
                Divisor.of(data ? Call.blocks(s, columnStep()) : s),
                Divisor.of(data ? Math.max(1, s / columnStep()) : s)).stream().flatMapToInt(d -> IntStream.of(d.divisor(), d.multiplier(), d.shift()));
        return MemorySegment.ofArray(IntStream.concat(IntStream.concat(extents, steps), divisors).toArray());
    }
}
