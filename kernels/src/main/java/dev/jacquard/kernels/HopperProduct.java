package dev.jacquard.kernels;

import dev.jacquard.kernels.ConvolutionPass.Kind;
import dev.jacquard.kernels.driver.TensorMap;
import dev.jacquard.kernels.driver.TensorMap.Swizzle;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Window;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/**
 * A pass of an ungrouped convolution, or a matrix product, by the kernels on hopper.cuh: wgmma on boxes that tensor maps bring. A product a b<sup>T</sup> is the forward pass over
 * one image one pixel high with one tap, a b the gradient by the image, a<sup>T</sup> b that by the weights.
 *
 * <p>The image operands are maps of (channel, column, row, image), the weights maps of (c, tap, k). Channels beyond the last and pixels outside of the image come as zeros, so that
 * nothing is padded and edges need no care but in the stores.
 *
 * @param kind which
 * @param window stride, padding, dilation
 * @param n images
 * @param h rows of x
 * @param w its columns
 * @param c its channels
 * @param oh rows of y
 * @param ow its columns
 * @param k its channels
 * @param r rows of the kernel
 * @param s its columns
 * @param epilogue what follows a forward pass
 */
record HopperProduct(Kind kind, Window window, long n, long h, long w, long c, long oh, long ow, long k, long r, long s, Epilogue epilogue) {
    /** Elements of a 16-byte chunk: what the rows of a map's tensor are multiples of. */
    private static final int CHUNK = 8;
    private static final int LARGEST_STEP = 8;
    private static final int LARGEST_BOX = 256;
    /** Stores count packs of eight results in 32 bits. */
    private static final long MOST_RESULTS = 1L << 34;
    /** Parts are made for so many multiprocessors, whatever the device has, and have so many slices at least. */
    private static final int MULTIPROCESSORS = 132;
    private static final int LEAST_SLICES = 8;
    /** Of the cost model, in clocks of a multiprocessor: multiply-adds in one, bytes out of L2 and of its part of memory; to fill and drain a block, and to launch. */
    private static final double RATE = 2048;
    private static final double CACHE = 45;
    private static final double MEMORY = 20;
    private static final double BLOCK_CLOCKS = 3000;
    private static final double LAUNCH_CLOCKS = 4000;

    /** A tile with a division of the depth. @param parts of the depth @param perPart slices of each */
    private record Plan(HopperTile tile, int parts, int perPart) {
        /** {@code wgmma 128x256}, {@code wgmma 128x128 split 3}. */
        String name() {
            return "wgmma " + tile + (parts == 1 ? "" : " split " + parts);
        }
    }

    /** Powers of two: of a box's columns, rows and images. */
    private record Box(int w, int h, int n) {
        long along(long extent, int log) {
            return Call.blocks(extent, 1L << log);
        }

        long count(long width, long height, long images) {
            return along(width, w) * along(height, h) * along(images, n);
        }
    }

    /** A pass of one group. */
    static HopperProduct of(ConvolutionPass p, Epilogue e) {
        return new HopperProduct(p.kind(), p.window(), p.n(), p.h(), p.w(), p.c(), p.oh(), p.ow(), p.k(), p.r(), p.s(), e);
    }

    /** A product of operands of which not both are transposed. */
    static HopperProduct of(Product p, Epilogue e) {
        Window plain = Window.of(1, 0);
        return p.transposeB() ? new HopperProduct(Kind.FORWARD, plain, 1, 1, p.m(), p.k(), 1, p.m(), p.n(), 1, 1, e)
                : p.transposeA() ? new HopperProduct(Kind.BACKWARD_WEIGHT, plain, 1, 1, p.k(), p.n(), 1, p.k(), p.m(), 1, 1, e)
                : new HopperProduct(Kind.BACKWARD_DATA, plain, 1, 1, p.m(), p.n(), 1, p.m(), p.k(), 1, 1, e);
    }

    /** Adds the ways to make a product of inputs a and b: before the others if they fill half of the device, else behind them. */
    static void offer(List<Candidate> all, Product product, DType dtype, Target target, int a, int b, Epilogue epilogue) {
        if (!product.transposeA() || !product.transposeB()) {
            of(product, epilogue).offer(all, dtype, target, a, b);
        }
    }

    /** Adds the ways to make a pass: before the others if they fill half of the device, else behind them. */
    static void offer(List<Candidate> all, ConvolutionPass pass, DType dtype, Target target, Epilogue epilogue) {
        if (pass.groups() == 1) {
            boolean weight = pass.kind() == Kind.BACKWARD_WEIGHT;
            of(pass, epilogue).offer(all, dtype, target, weight ? 1 : 0, weight ? 0 : 1);
        }
    }

    private void offer(List<Candidate> all, DType dtype, Target target, int left, int right) {
        if (!target.hopper() || dtype != DType.F16 && dtype != DType.BF16 || !possible()) {
            return;
        }
        List<Candidate> own = new ArrayList<>();
        plans(target).forEach(p -> own.add(Candidate.of(p.name(), split(p).workspace(results()), call -> bind(call, target, p, left, right))));
        boolean full = !own.isEmpty() && items(plans(target).getFirst()) >= target.device().multiprocessors() / 2;
        all.addAll(full ? 0 : all.size(), own);
    }

    private boolean possible() {
        boolean whole = c % CHUNK == 0 && k % CHUNK == 0;
        boolean steps = window.strideH() <= LARGEST_STEP && window.strideW() <= LARGEST_STEP;
        // The gradient by the image goes through residues modulo the stride, whose taps are a stride apart only without dilation.
        boolean residues = kind != Kind.BACKWARD_DATA || single(window.strideH(), window.dilationH()) && single(window.strideW(), window.dilationW());
        boolean fits = LongStream.of(n, h, w, c, oh, ow, k, r, s).allMatch(e -> e > 0) && Math.max(n * h * w, n * oh * ow) <= Integer.MAX_VALUE;
        boolean follows = epilogue.isNone() || kind == Kind.FORWARD && !epilogue.statistics();
        return whole && steps && residues && fits && follows && results() < MOST_RESULTS;
    }

    private static boolean single(int stride, int dilation) {
        return stride == 1 || dilation == 1;
    }

    private long results() {
        return switch (kind) {
            case FORWARD -> n * oh * ow * k;
            case BACKWARD_DATA -> n * h * w * c;
            case BACKWARD_WEIGHT -> k * r * s * c;
        };
    }

    private long columns() {
        return kind == Kind.FORWARD ? k : c;
    }

    /** Tiles, parts of the depth: the fastest by the model first. */
    private List<Plan> plans(Target target) {
        List<Plan> all = new ArrayList<>();
        for (HopperTile tile : HopperTile.values()) {
            if (tile == HopperTile.NARROW || columns() > tile.columns() / 2) {
                Plan whole = new Plan(tile, 1, Math.toIntExact(slices()));
                long parts = Math.min(MULTIPROCESSORS * tile.blocks() / items(whole), slices() / LEAST_SLICES);
                all.add(whole);
                if (parts > 1) {
                    int each = Math.toIntExact(Call.blocks(slices(), parts));
                    all.add(new Plan(tile, Math.toIntExact(Call.blocks(slices(), each)), each));
                }
            }
        }
        all.sort(Comparator.comparingDouble(p -> clocks(p, target)));
        return all;
    }

    /**
     * What a plan would take, roughly: whole turns of blocks, whose slices take as long as their products or their loads; parts are written and read again. A guess to begin with,
     * until timing decides.
     */
    private double clocks(Plan p, Target target) {
        int blocks = p.tile.blocks();
        double sms = target.device().multiprocessors();
        double products = (double) HopperTile.ROWS * p.tile.columns() * HopperTile.DEPTH / RATE;
        double loads = (double) (HopperTile.ROWS + p.tile.columns()) * HopperTile.DEPTH * Short.BYTES / CACHE;
        double turn = blocks * Math.max(products, loads) * p.perPart + BLOCK_CLOCKS;
        double sums = p.parts == 1 ? 0 : LAUNCH_CLOCKS + 2.0 * Float.BYTES * p.parts * results() / (MEMORY * sms);
        return Math.ceil(items(p) / (sms * blocks)) * turn + sums;
    }

    private Split split(Plan p) {
        return new Split(p.parts, p.perPart * HopperTile.DEPTH);
    }

    /** Rows, columns and images of the pixels that boxes divide. */
    private long[] pixels() {
        return kind == Kind.BACKWARD_DATA ? new long[] {Call.blocks(w, window.strideW()), Call.blocks(h, window.strideH()), n} : new long[] {ow, oh, n};
    }

    /** The box of the fewest that cover the pixels; of those the widest. */
    private Box box() {
        int logs = Integer.numberOfTrailingZeros(kind == Kind.BACKWARD_WEIGHT ? HopperTile.DEPTH : HopperTile.ROWS);
        long[] p = pixels();
        Box best = null;
        for (int lw = logs; lw >= 0; lw--) {
            for (int lh = logs - lw; lh >= 0; lh--) {
                Box b = new Box(lw, lh, logs - lw - lh);
                boolean spans = (window.strideW() << lw) <= LARGEST_BOX && (window.strideH() << lh) <= LARGEST_BOX;
                if (spans && (best == null || b.count(p[0], p[1], p[2]) < best.count(p[0], p[1], p[2]))) {
                    best = b;
                }
            }
        }
        return best;
    }

    private long boxes() {
        long[] p = pixels();
        return box().count(p[0], p[1], p[2]);
    }

    /** Slices of the depth that a result sums over; of residues that meet most taps. */
    private long slices() {
        return switch (kind) {
            case FORWARD -> r * s * Call.blocks(c, HopperTile.DEPTH);
            case BACKWARD_DATA -> Call.blocks(r, window.strideH()) * Call.blocks(s, window.strideW()) * Call.blocks(k, HopperTile.DEPTH);
            case BACKWARD_WEIGHT -> boxes();
        };
    }

    private long groups() {
        return switch (kind) {
            case FORWARD -> 1;
            case BACKWARD_DATA -> (long) window.strideH() * window.strideW();
            case BACKWARD_WEIGHT -> r * s;
        };
    }

    private long tilesM() {
        return kind == Kind.BACKWARD_WEIGHT ? Call.blocks(k, HopperTile.ROWS) : boxes();
    }

    private long items(Plan p) {
        return tilesM() * Call.blocks(columns(), p.tile.columns()) * groups() * p.parts;
    }

    /** Name of the .cu file. */
    String module(DType dtype) {
        return (kind == Kind.FORWARD ? "hopper_forward_" : "hopper_backward_") + dtype;
    }

    /** Values of the names in the Traffic lines, of one part and no epilogue. */
    Map<String, Long> sizes() {
        Map<String, Long> sizes = new HashMap<>(Map.of("n", n, "h", h, "w", w, "c", c, "oh", oh, "ow", ow, "k", k, "r", r, "s", s));
        sizes.putAll(Map.of("v", 0L, "e", 0L, "y", results(), "p", 0L));
        return Map.copyOf(sizes);
    }

    private CudaLaunch bind(Call call, Target target, Plan plan, int left, int right) {
        DType dtype = call.out().getFirst().dtype();
        String pass = switch (kind) {
            case FORWARD -> "forward";
            case BACKWARD_DATA -> "data";
            case BACKWARD_WEIGHT -> "weight";
        };
        KernelLaunch.Builder builder = call.launch(module(dtype), "hopper_" + pass + "_" + plan.tile.columns(), dtype)
                .grid(Math.min(items(plan), (long) target.device().multiprocessors() * plan.tile.blocks()))
                .block(HopperTile.THREADS)
                .shared(plan.tile.shared())
                .map(left(call.in(left), dtype)).map(right(call.in(right), dtype, plan.tile))
                .pointer(call.out(0)).pointer(call.workspace()).i64(results())
                .struct(images(plan));
        CudaLaunch launch = (kind == Kind.FORWARD ? builder.struct(epilogue.parameters(call)) : builder).build();
        return epilogue.isNone() || plan.parts == 1 ? split(plan).then(call, launch) : split(plan).then(call, launch, epilogue, columns());
    }

    private TensorMap left(long address, DType dtype) {
        return switch (kind) {
            case FORWARD -> image(address, dtype, c, w, h, true);
            case BACKWARD_DATA, BACKWARD_WEIGHT -> image(address, dtype, k, ow, oh, false);
        };
    }

    private TensorMap right(long address, DType dtype, HopperTile tile) {
        return switch (kind) {
            case FORWARD -> weights(address, dtype, tile.columns());
            case BACKWARD_DATA -> weights(address, dtype, HopperTile.DEPTH);
            case BACKWARD_WEIGHT -> image(address, dtype, c, w, h, true);
        };
    }

    /** A map of an image's boxes. @param strided whether a box's pixels are a stride apart */
    private TensorMap image(long address, DType dtype, long channels, long width, long height, boolean strided) {
        Box b = box();
        int stepW = strided ? window.strideW() : 1;
        int stepH = strided ? window.strideH() : 1;
        long bytes = dtype.bytes() * channels;
        return new TensorMap(dtype.bytes(), address, List.of(channels, width, height, n), List.of(bytes, bytes * width, bytes * width * height),
                List.of(HopperTile.DEPTH, stepW << b.w, stepH << b.h, 1 << b.n), List.of(1, stepW, stepH, 1), Swizzle.B128);
    }

    /** A map of the weights. @param box values of k */
    private TensorMap weights(long address, DType dtype, int box) {
        long bytes = dtype.bytes() * c;
        return new TensorMap(dtype.bytes(), address, List.of(c, r * s, k), List.of(bytes, bytes * r * s), List.of(HopperTile.DEPTH, 1, box), Swizzle.B128);
    }

    /** {@code struct Images} of hopper.cuh. */
    private MemorySegment images(Plan plan) {
        Box b = box();
        long[] p = pixels();
        boolean data = kind == Kind.BACKWARD_DATA;
        long slices = kind == Kind.BACKWARD_WEIGHT ? boxes() : Call.blocks(data ? k : c, HopperTile.DEPTH);
        return MemorySegment.ofArray(LongStream.of(columns(), k, Call.blocks(columns(), plan.tile.columns()), tilesM(), b.along(p[0], b.w), b.along(p[1], b.h), b.w, b.h, b.n,
                slices, r, s,
                window.strideH(), window.strideW(), window.top(), window.left(), window.dilationH(), window.dilationW(), n, data ? h : oh, data ? w : ow, groups(), plan.parts,
                plan.perPart, items(plan)).mapToInt(Math::toIntExact).toArray());
    }
}
