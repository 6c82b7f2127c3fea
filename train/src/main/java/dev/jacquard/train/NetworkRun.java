package dev.jacquard.train;

import dev.jacquard.passes.FrozenPlans;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/**
 * A {@link NetworkStep} planned on a backend as {@link TrainStep} and {@link Predictor} plan theirs. What benchmarks time runs on random input that stays on the device; what is
 * only looked at never runs, and may be planned on a device that is not there. Not thread-safe.
 */
public final class NetworkRun implements AutoCloseable {
    /** Small enough for the loss to stay finite however often the same batch is learnt. */
    private static final double LEARNING_RATE = 1e-4;

    private final State state;
    private final FrozenPlans frozen;
    private final Plan plan;

    private NetworkRun(NetworkStep step, boolean runs, State state) {
        this.state = state;
        Graph graph = step.graph(state.backend());
        if (runs) {
            state.initialize(graph.variables(), 1);
        } else {
            state.reserve(graph.variables());
        }
        frozen = new FrozenPlans(state);
        boolean done = false;
        try {
            plan = step.work() == NetworkStep.Work.TRAIN ? Plan.of(graph, state) : frozen.of(graph);
            if (runs) {
                frozen.settle();
                feed(step.row().classes());
            }
            done = true;
        } finally {
            if (!done) {
                frozen.close();
            }
        }
    }

    /**
     * Plans a step with weights as its initialisers make them, and feeds it random numbers.
     *
     * @param backend where; the caller's to close, after this
     * @throws CallerException if the step's precision keeps a module that there is not
     */
    public static NetworkRun of(NetworkStep step, Backend backend) {
        return of(step, backend, true);
    }

    /** Plans a step to be looked at: memory is laid out, nothing is computed or fed. */
    public static NetworkRun planned(NetworkStep step, Backend backend) {
        return of(step, backend, false);
    }

    private static NetworkRun of(NetworkStep step, Backend backend, boolean runs) {
        State state = new State(backend);
        boolean done = false;
        try {
            NetworkRun run = new NetworkRun(step, runs, state);
            done = true;
            return run;
        } finally {
            if (!done) {
                state.close();
            }
        }
    }

    /**
     * What kernels take does not depend on the numbers, but for zeros, which draw less power and run faster than they should. They stay where inputs are, which nothing overwrites.
     */
    private void feed(int classes) {
        SplittableRandom random = new SplittableRandom(1);
        plan.inputs().forEach((name, type) -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment host = arena.allocate(Math.max(1, type.bytes()), 64);
                long n = type.shape().size();
                for (long i = 0; i < n; i++) {
                    Elements.set(host, type.dtype(), i, value(type, classes, random));
                }
                plan.feed(name, host.asSlice(0, type.bytes()));
            }
        });
    }

    /** Bytes are pixels, I32 of a batch are labels, other integers count from 1; scalars are learning rates. */
    private static double value(TensorType type, int classes, SplittableRandom random) {
        boolean scalar = type.shape().rank() == 0;
        return switch (type.dtype()) {
            case U8 -> random.nextInt(256);
            case I8, I32 -> scalar ? 1 : random.nextInt(classes);
            case I64 -> 1;
            case F32, F16, BF16, F64 -> scalar ? LEARNING_RATE : random.nextDouble(-2, 2);
        };
    }

    /** Starts a step; on a device it returns before it is done. */
    public void enqueue() {
        plan.run();
    }

    /** Waits until all started steps are done. */
    public void synchronize() {
        state.backend().synchronize();
    }

    /** What is run. */
    public Plan plan() {
        return plan;
    }

    /** Bytes of what lasts from step to step and is read: weights, slots, statistics; for inference what is frozen of them. */
    public long variableBytes() {
        return plan.graph().variables().stream().mapToLong(v -> v.type().bytes()).sum();
    }

    /** Bytes that the run holds on its device: variables, those that only what is frozen was computed from included, and all values of a step. */
    public long memoryBytes() {
        return plan.arenaBytes() + frozen.bytes() + state.variables().stream().map(Variable::type).mapToLong(TensorType::bytes).sum();
    }

    /** A number that follows from the step's result, to see that it computes: the loss, or the first logit. */
    public float probe() {
        return plan.graph().outputs().containsKey(StepGraphs.LOSS) ? plan.scalar(StepGraphs.LOSS) : plan.floats(NetworkStep.LOGITS)[0];
    }

    /** Frees the plan and its state. */
    @Override
    public void close() {
        plan.close();
        frozen.close();
        state.close();
    }
}
