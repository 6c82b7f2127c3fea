package dev.jacquard.bench;

import dev.jacquard.passes.FrozenPlans;
import dev.jacquard.tck.Comparator;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** The passes of one convolution, planned as users' are, on random numbers. What each computes is compared with plain sums at some places before anything is timed. */
final class ConvTrial implements AutoCloseable {
    /** Of the tolerance, as {@link OpBench} has it. */
    private static final double SCALE = 2;

    private static final String RESULT = "y";

    private final ConvCase shape;
    private final Numbers numbers;
    private final State state;
    private final FrozenPlans frozen;
    private final Map<Pass, Plan> plans = new EnumMap<>(Pass.class);

    /** What is timed. */
    enum Pass {
        /** Of an evaluation: with what follows the sums, weights packed beforehand. */
        FORWARD,
        /** The convolution alone, weights packed beforehand: what other libraries' figures are of. */
        PLAIN,
        /** Gradient of the images, as in a training step: packing weights is part of it. */
        DATA,
        /** Gradient of the weights. */
        WEIGHT
    }

    /** Operands: parts of the same random numbers in [-1, 1), so that a hundred convolutions need no room for theirs. @param pool more than any operand has */
    record Numbers(float[] pool) {
        private static final int MARGIN = 1 << 20;
        static final int X = 0;
        static final int W = 7919;
        static final int DY = 104_729;
        static final int R = 611_953;
        static final int SCALE_AT = 31;
        static final int SHIFT = 5003;

        /** Enough of them for some convolutions. */
        static Numbers of(List<ConvCase> cases) {
            long most = cases.stream().mapToLong(c -> Math.max(c.weights().shape().size(), Math.max(c.images().shape().size(), c.results().shape().size()))).max().orElse(0);
            float[] pool = new float[Math.toIntExact(most + MARGIN)];
            SplittableRandom random = new SplittableRandom(1);
            for (int i = 0; i < pool.length; i++) {
                pool[i] = (float) random.nextDouble(-1, 1);
            }
            return new Numbers(pool);
        }

        MemorySegment segment(int at, TensorType type) {
            return MemorySegment.ofArray(pool).asSlice((long) at * Float.BYTES, type.bytes());
        }

        float[] floats(int at, TensorType type) {
            return Arrays.copyOfRange(pool, at, Math.toIntExact(at + type.shape().size()));
        }
    }

    /** Plans passes and checks them. @throws IllegalStateException if one computes something else */
    ConvTrial(ConvCase shape, List<Pass> passes, Numbers numbers, Backend backend) {
        this.shape = shape;
        this.numbers = numbers;
        state = new State(backend);
        frozen = new FrozenPlans(state);
        boolean done = false;
        try {
            Variable weight = weight();
            List<Plan> made = frozen.together(passes.stream().map(p -> graph(p, weight)).toList());
            frozen.settle();
            for (int i = 0; i < made.size(); i++) {
                plans.put(passes.get(i), made.get(i));
                feed(made.get(i));
            }
            passes.forEach(this::check);
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    private Variable weight() {
        Variable v = new Variable(() -> "w", shape.weights(), Variable.Role.PARAMETER, Initializer.ZEROS);
        state.reserve(List.of(v));
        state.set(v, numbers.floats(Numbers.W, shape.weights()));
        return v;
    }

    private Graph graph(Pass pass, Variable weight) {
        GraphBuilder b = new GraphBuilder(false);
        List<Tensor> in = new ArrayList<>();
        in.add(pass == Pass.DATA ? b.input("dy", shape.results()) : b.input("x", shape.images()));
        switch (pass) {
            case FORWARD -> {
                in.add(b.read(weight));
                in.add(b.input("scale", perChannel()));
                in.add(b.input("shift", perChannel()));
                if (shape.epilogue().residual()) {
                    in.add(b.input("r", shape.results()));
                }
            }
            case PLAIN -> in.add(b.read(weight));
            case DATA -> in.add(b.input("w", shape.weights())); // fed: a weight that changes with every step is packed in every step
            case WEIGHT -> in.add(b.input("dy", shape.results()));
        }
        b.output(RESULT, b.apply(op(shape, pass), in).getFirst());
        return b.build();
    }

    private static Op op(ConvCase shape, Pass pass) {
        return switch (pass) {
            case FORWARD -> new ConvolutionScaleShift(shape.window(), shape.groups(), shape.epilogue().activation(), shape.epilogue().residual());
            case PLAIN -> new Conv2d(shape.window(), shape.groups());
            case DATA -> new Conv2dBackwardData(shape.window(), shape.groups(), shape.h(), shape.w());
            case WEIGHT -> new Conv2dBackwardWeight(shape.window(), shape.groups(), shape.r(), shape.s());
        };
    }

    private TensorType perChannel() {
        return TensorType.f32(shape.k());
    }

    private void feed(Plan plan) {
        plan.inputs().forEach((name, type) -> {
            int at = switch (name) {
                case "x" -> Numbers.X;
                case "w" -> Numbers.W;
                case "dy" -> Numbers.DY;
                case "r" -> Numbers.R;
                case "scale" -> Numbers.SCALE_AT;
                case "shift" -> Numbers.SHIFT;
                default -> throw new IllegalStateException(name);
            };
            plan.feed(name, numbers.segment(at, type));
        });
    }

    private void check(Pass pass) {
        Plan plan = plans.get(pass);
        plan.run();
        float[] result = plan.floats(RESULT);
        int[] places = places(result.length);
        double[] got = Arrays.stream(places).mapToDouble(i -> result[i]).toArray();
        compare(shape, pass, places, got, new ConvSums(shape, numbers.pool()).at(pass, places));
    }

    /** @throws IllegalStateException if results at some places are not what they should be, by the tests' table of tolerances */
    static void compare(ConvCase shape, Pass pass, int[] places, double[] got, double... want) {
        List<TensorType> operands = switch (pass) {
            case FORWARD, PLAIN -> List.of(shape.images(), shape.weights());
            case DATA -> List.of(shape.results(), shape.weights());
            case WEIGHT -> List.of(shape.images(), shape.results());
        };
        Op product = op(shape, pass == Pass.FORWARD ? Pass.PLAIN : pass);
        Comparator.difference(TensorType.f32(places.length), got, want, Tolerance.of(DType.F32, product.accuracy(operands)), SCALE).ifPresent(wrong -> {
            throw new IllegalStateException(shape.name() + ", " + pass + ", at flat places " + Arrays.toString(places) + ": " + wrong);
        });
    }

    /** Both ends, where tails and padding are, and some between. */
    private static int[] places(int size) {
        SplittableRandom random = new SplittableRandom(3);
        int[] all = random.ints(32, 0, size).toArray();
        for (int i = 0; i < 4; i++) {
            all[i] = Math.min(i, size - 1);
            all[4 + i] = Math.max(size - 1 - i, 0);
        }
        return all;
    }

    ConvCase shape() {
        return shape;
    }

    /** Bytes of operands and results. */
    double bytes(Pass pass) {
        return plans.get(pass).graph().cost().bytes();
    }

    /** Milliseconds of each call, of as many as fit into the time, but one at least. */
    double[] time(Pass pass, double seconds) {
        Plan plan = plans.get(pass);
        List<Double> ms = new ArrayList<>();
        long begin = System.nanoTime();
        long now = begin;
        do {
            long from = now;
            plan.run();
            now = System.nanoTime();
            ms.add((now - from) / 1e6);
        } while (now - begin < seconds * 1e9);
        return ms.stream().mapToDouble(d -> d).toArray();
    }

    @Override
    public void close() {
        plans.values().forEach(Plan::close);
        frozen.close();
        state.close();
    }
}
