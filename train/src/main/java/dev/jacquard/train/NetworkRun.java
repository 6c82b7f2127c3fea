package dev.jacquard.train;

import dev.jacquard.layers.Decay;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.mixedprecision.EmulateTf32;
import dev.jacquard.models.Models;
import dev.jacquard.passes.FrozenPlans;
import dev.jacquard.passes.Fusion;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/**
 * A network's training step or inference on random input that stays on the device, planned as {@link TrainStep} and {@link Predictor} plan theirs: what benchmarks time. Not thread-safe.
 */
public final class NetworkRun implements AutoCloseable {
    /** What the network does. */
    public enum Work {
        /** Forward, loss with label smoothing 0.1, backward, optimizer: momentum for ResNets, RMSProp for EfficientNets. */
        TRAIN,
        /** Logits of normalised images. */
        INFER
    }

    private static final double LEARNING_RATE = 1e-4;

    private final State state;
    private final Plan plan;
    private final Runnable release;
    private final long frozenBytes;

    private NetworkRun(State state, Plan plan, Runnable release, long frozenBytes) {
        this.state = state;
        this.plan = plan;
        this.release = release;
        this.frozenBytes = frozenBytes;
    }

    /**
     * Plans a run and feeds it.
     *
     * @param arch name of the architecture
     * @param batch images
     * @param imageSize their height and width
     * @param backend where; the caller's to close, after this
     * @throws CallerException if there is no such architecture, or batch or size is not positive
     */
    public static NetworkRun of(Work work, String arch, int batch, int imageSize, Backend backend) {
        if (batch < 1 || imageSize < 1) {
            throw new CallerException("batch and image size", "out of range", batch + " images of " + imageSize, "1 or more", "give other values");
        }
        Module module = Models.create(arch, Models.row(arch).classes());
        State state = new State(backend);
        boolean done = false;
        try {
            NetworkRun run = work == Work.TRAIN ? training(module, arch, batch, imageSize, state) : inference(module, batch, imageSize, state);
            run.feed(Models.row(arch).classes());
            done = true;
            return run;
        } finally {
            if (!done) {
                state.close();
            }
        }
    }

    private static NetworkRun training(Module module, String arch, int batch, int imageSize, State state) {
        Update.Rule rule = arch.startsWith("efficientnet") ? new Update.RmsProp(0.9, 0.01, 0.9, 1e-5, Update.RmsProp.Form.PYTORCH)
                : new Update.SgdMomentum(0.875, 3e-5, false, Update.SgdMomentum.Form.PYTORCH);
        TrainStep step = TrainStep.of(module, new Optimizer(rule, Decay.ALL, module), new TrainStep.Settings(batch, imageSize, Trainer.NORMALIZATION, 0.1, 1), state);
        return new NetworkRun(state, step.plan(), step::close, 0);
    }

    private static NetworkRun inference(Module module, int batch, int imageSize, State state) {
        GraphBuilder b = new GraphBuilder(false);
        Tensor x = b.input("images", TensorType.f32(batch, imageSize, imageSize, 3));
        b.output("logits", module.apply(x));
        state.initialize(module.variables().values(), 1);
        FrozenPlans frozen = new FrozenPlans(state);
        boolean done = false;
        try {
            Plan plan = frozen.of(EmulateTf32.on(state.backend()).then(Fusion.ofEvaluation(state.backend())).apply(b.build()));
            frozen.settle();
            done = true;
            return new NetworkRun(state, plan, () -> {
                plan.close();
                frozen.close();
            }, frozen.bytes());
        } finally {
            if (!done) {
                frozen.close();
            }
        }
    }

    /** Random pixels and labels; they stay where inputs are, which nothing overwrites. */
    private void feed(int classes) {
        SplittableRandom random = new SplittableRandom(1);
        try (Arena arena = Arena.ofConfined()) {
            plan.inputs().forEach((name, type) -> {
                MemorySegment values = arena.allocate(type.bytes(), 64);
                long n = type.shape().size();
                for (long i = 0; i < n; i++) {
                    switch (type.dtype()) {
                        case U8 -> values.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
                        case I32 -> values.setAtIndex(ValueLayout.JAVA_INT, i, random.nextInt(classes));
                        case I64 -> values.setAtIndex(ValueLayout.JAVA_LONG, i, 1);
                        default -> values.setAtIndex(ValueLayout.JAVA_FLOAT, i, type.shape().rank() == 0 ? (float) LEARNING_RATE : (float) random.nextDouble(-2, 2));
                    }
                }
                plan.feed(name, values);
            });
        }
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

    /** Bytes of weights, slots, statistics and what is frozen of them, and of all values of a step. */
    public long memoryBytes() {
        return plan.arenaBytes() + frozenBytes + state.variables().stream().mapToLong(v -> v.type().bytes()).sum();
    }

    /** A number that follows from the step's result, to see that it computes: the loss, or the first logit. */
    public float probe() {
        return plan.graph().outputs().containsKey(StepGraphs.LOSS) ? plan.scalar(StepGraphs.LOSS) : plan.floats("logits")[0];
    }

    /** Frees the plan and its state. */
    @Override
    public void close() {
        release.run();
        state.close();
    }
}
