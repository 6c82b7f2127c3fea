package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.SqueezeExcitation.SqueezeExcite;
import dev.jacquard.tensor.op.SqueezeExcitation.SqueezeExciteBackward;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Squeeze and excitation: {@code squeeze_excite.cu}, five launches forward and six backward. Only those that touch images know their type; the layers between are F32 in every
 * type, and write their results straight to the op's outputs.
 */
final class SqueezeExciteKernels {
    private static final String MODULE = "squeeze_excite";
    /** Images that share one reading of the weights. */
    private static final int IMAGES = 4;
    /** Number by which the kernel knows the sigmoid; the activations have their ordinals. */
    private static final int GATE = 3;
    private static final int WARP = 32;
    /** Of warps in a block that takes a tile of a weight. */
    private static final int ROWS = 8;
    /** Elements of a weight's row that a lane takes at once. */
    private static final int FEW = 4;
    private static final long NULL = 0;

    private SqueezeExciteKernels() {}

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        return Map.of(
                SqueezeExcite.class, new Scratch<SqueezeExcite>(0, false, SqueezeExciteKernels::forward),
                SqueezeExciteBackward.class, new Scratch<SqueezeExciteBackward>(1, true, SqueezeExciteKernels::backward));
    }

    /** What the kernels are measured on. @param batch images per batch: 1 or 2 to count, 64 or more to time */
    static List<Workload> workloads(long batch) {
        List<Workload> all = new ArrayList<>();
        for (long[] d : new long[][] {{28, 512, 32}, {14, 672, 32}, {56, 96, 16}}) {
            Operand x = Operand.of(batch, d[0], d[0], d[1]);
            Operand w1 = Operand.of(d[2], d[1]);
            Operand w2 = Operand.of(d[1], d[2]);
            Operand perChannel = Operand.range(0.1, 0.9, batch, d[1]);
            Sizes sizes = new Sizes(x.type().shape(), d[2]);
            all.add(new Workload(MODULE, Sample.of(new SqueezeExcite(Nonlinearity.RELU), x, w1, Operand.of(d[2]), w2, Operand.of(d[1])), sizes.names(1)));
            all.add(new Workload(MODULE, Sample.of(new SqueezeExciteBackward(Nonlinearity.SILU), x, x, w1, w2, perChannel, Operand.of(batch, d[2]), perChannel), sizes.names(2)));
        }
        return List.copyOf(all);
    }

    /** The extents of an application. */
    private record Sizes(int n, int hw, int c, int s) {
        Sizes(Shape x, long s) {
            this(x.intDim(0), Math.toIntExact(x.dim(1) * x.dim(2)), x.intDim(3), Math.toIntExact(s));
        }

        Map<String, Long> names(long operands) {
            return Map.of("n", (long) n, "hw", (long) hw, "c", (long) c, "s", (long) s, "operands", operands,
                    "chunks", (long) reducing(DType.F32).chunks());
        }

        ChannelWalk reducing(DType dtype) {
            return ChannelWalk.reducing(hw, c, dtype, n);
        }

        ChannelWalk mapping(DType dtype) {
            return ChannelWalk.mapping(hw, c, dtype, n);
        }

        /** Where the f32 values between the kernels are; each begins where packs may. */
        Places places(long workspace, DType dtype) {
            long hidden = workspace + room((long) n * reducing(dtype).chunks() * c);
            long d1 = hidden + room((long) n * s);
            long d2 = d1 + room((long) n * s);
            return new Places(workspace, hidden, d1, d2, d2 + room((long) n * c), d2 + 2 * room((long) n * c));
        }

        private static long room(long floats) {
            return Call.blocks(floats, CudaKernel.ALIGNMENT) * CudaKernel.ALIGNMENT * 4;
        }
    }

    /**
     * Addresses in the workspace; forward needs the first two.
     *
     * @param partial sums over chunks of pixels (N, chunks, C)
     * @param hidden (N, S): the activated first layer
     * @param d1 (N, S): the gradient before its activation
     * @param d2 (N, C): the gradient before the sigmoid
     * @param dmean (N, C): the gradient of the means
     * @param end after all of them
     */
    private record Places(long partial, long hidden, long d1, long d2, long dmean, long end) {
        /** Scratch in bytes if this begins at 0. */
        long bytes(boolean backward) {
            return backward ? end : d1;
        }
    }

    /** @param x which input is x; w1 is the next. @param backward whether it is the gradients' */
    private record Scratch<O extends Op>(int x, boolean backward, CudaKernel<O> body) implements CudaKernel<O> {
        @Override
        public CudaLaunch bind(O op, Call call) {
            return body.bind(op, call);
        }

        @Override
        public long workspace(O op, List<TensorType> in, Device device) {
            return new Sizes(in.get(x).shape(), in.get(x + 1).shape().dim(0)).places(0, in.get(x).dtype()).bytes(backward);
        }
    }

    private static CudaLaunch forward(SqueezeExcite op, Call call) {
        Sizes z = new Sizes(call.inShape(0), call.inShape(1).dim(0));
        DType dtype = call.in().getFirst().dtype();
        Places at = z.places(call.workspace(), dtype);
        ChannelWalk sums = z.reducing(dtype);
        ChannelWalk map = z.mapping(dtype);
        return call.sequence(
                squeeze(call, sums, z, call.in(0), NULL, at.partial),
                perChannel(call, "se_means", z).pointer(at.partial).i32(sums.chunks()).i32(z.n).i32(z.hw).i32(z.c).pointer(call.out(1)).build(),
                layer(call, new Layer(call.out(1), call.in(1), call.in(2), z.s, z.c, op.activation().ordinal(), at.hidden, call.out(2)), z.n),
                layer(call, new Layer(at.hidden, call.in(3), call.in(4), z.c, z.s, GATE, call.out(3), NULL), z.n),
                map.launch(call, MODULE, "se_excite", dtype, z.n)
                        .pointer(call.in(0)).pointer(call.out(3)).pointer(call.out(0)).i32(z.hw).i32(z.c).i32(map.perBlock()).build());
    }

    private static CudaLaunch squeeze(Call call, ChannelWalk walk, Sizes z, long x, long dy, long partial) {
        return walk.launch(call, MODULE, "se_squeeze", call.in().getFirst().dtype(), z.n).pointer(x).pointer(dy).pointer(partial).i32(z.hw).i32(z.c).i32(walk.perBlock()).build();
    }

    private static KernelLaunch.Builder perChannel(Call call, String symbol, Sizes z) {
        return call.launch(MODULE, symbol, DType.F32).grid(Call.blocks((long) z.n * z.c, Call.BLOCK)).block(Call.BLOCK);
    }

    /** A layer: K results from J inputs per image. @param pre where its results before the activation go, or null */
    private record Layer(long a, long weight, long bias, int k, int j, int activation, long activated, long pre) {}

    private static CudaLaunch layer(Call call, Layer l, int n) {
        int width = l.j % FEW == 0 ? FEW : 1;
        int lanes = Math.min(WARP, Integer.highestOneBit(Math.max(1, 2 * (l.j / width) - 1))); // as many as packs, rounded up to a power of 2
        return call.launch(MODULE, width == 1 ? "se_fc1" : "se_fc", DType.F32)
                .grid(Call.blocks(l.k, Call.BLOCK / lanes), Call.blocks(n, IMAGES), 1).block(Call.BLOCK)
                .pointer(l.a).pointer(l.weight).pointer(l.bias).i32(n).i32(l.k).i32(l.j).i32(lanes).i32(l.activation).pointer(l.activated).pointer(l.pre).build();
    }

    private static CudaLaunch backward(SqueezeExciteBackward op, Call call) {
        Sizes z = new Sizes(call.inShape(1), call.inShape(2).dim(0));
        DType dtype = call.in().getFirst().dtype();
        Places at = z.places(call.workspace(), dtype);
        ChannelWalk sums = z.reducing(dtype);
        ChannelWalk map = z.mapping(dtype);
        int act = op.activation().ordinal();
        return call.sequence(
                squeeze(call, sums, z, call.in(1), call.in(0), at.partial),
                perChannel(call, "se_dgate", z).pointer(at.partial).i32(sums.chunks()).i32(z.n).i32(z.c).pointer(call.in(6)).pointer(at.d2).build(),
                transposed(call, z.n, z.s).pointer(at.d2).pointer(call.in(3)).pointer(call.in(5)).i32(z.n).i32(z.c).i32(z.s).i32(act).pointer(at.d1).pointer(at.hidden).build(),
                transposed(call, z.n, z.c).pointer(at.d1).pointer(call.in(2)).pointer(NULL).i32(z.n).i32(z.s).i32(z.c).i32(act).pointer(at.dmean).pointer(NULL).build(),
                call.launch(MODULE, "se_dw", DType.F32).grid(tiles(z.c, z.s) + tiles(z.s, z.c)).block(WARP, ROWS, 1)
                        .pointer(at.d2).pointer(at.hidden).pointer(at.d1).pointer(call.in(4)).i32(z.n).i32(z.c).i32(z.s)
                        .pointer(call.out(3)).pointer(call.out(4)).pointer(call.out(1)).pointer(call.out(2)).build(),
                map.launch(call, MODULE, "se_excite_backward", dtype, z.n)
                        .pointer(call.in(0)).pointer(call.in(6)).pointer(at.dmean).pointer(call.out(0)).i32(z.hw).i32(z.c).i32(map.perBlock()).build());
    }

    private static KernelLaunch.Builder transposed(Call call, int n, int columns) {
        return call.launch(MODULE, "se_fct", DType.F32).grid(Call.blocks(columns, WARP), Call.blocks(n, IMAGES), 1).block(WARP, ROWS, 1);
    }

    /** Blocks of a weight (K, J). */
    private static long tiles(int k, int j) {
        return Call.blocks(j, WARP) * Call.blocks(k, ROWS);
    }
}
