package dev.jacquard.train;

import dev.jacquard.data.Mixer;
import dev.jacquard.data.Normalization;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.mixedprecision.EmulateTf32;
import dev.jacquard.mixedprecision.LossScaler;
import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.passes.Fusion;
import dev.jacquard.passes.Pass;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.ClipByGlobalNorm;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * One training step: pixels, forward, loss, backward, optimizer, running statistics. One plan, or two that take turns where gradients are accumulated over several steps. Feeding
 * and running it allocates nothing. Not thread-safe.
 */
public final class TrainStep implements AutoCloseable {
    /** Changes the parameters. */
    private final Plan update;
    /** Adds up gradients; the same as {@link #update} if every step is an update. */
    private final Plan accumulate;
    private final Settings settings;
    /** Null if the loss is not scaled. */
    private final LossScaler scaler;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment counter;
    private final MemorySegment updates = arena.allocate(ValueLayout.JAVA_INT);
    private final MemorySegment flag = arena.allocate(ValueLayout.JAVA_INT);
    private Plan current;
    private Buffer.Transfer nextImages;
    private Buffer.Transfer nextLabels;
    private Buffer.Transfer nextMixing;

    /**
     * What a step works on. The methods named like components change one of them.
     *
     * @param batch N
     * @param imageSize H = W
     * @param channels of the network's input; those after the third are zeros
     * @param normalization of the pixels
     * @param labelSmoothing of the targets
     * @param mixed whether images and labels are mixed, by a {@link Mixer}
     * @param accumulation steps that make one update; 1 for no accumulation
     * @param averaging how averages of the weights are kept; null for none
     * @param clip how the gradients of an update are kept small; null for not at all
     * @param seed of the random numbers within the step, such as dropout's
     * @param precision half-precision types, and how the loss is scaled; null for F32
     */
    public record Settings(int batch, int imageSize, int channels, Normalization normalization, double labelSmoothing, boolean mixed, int accumulation, Averaging averaging,
            ClipByGlobalNorm clip, long seed, MixedPrecision precision) {
        /** Checks the range. @throws CallerException if it is out of range */
        public Settings {
            if (accumulation < 1) {
                throw new CallerException("accumulation", "out of range", Integer.toString(accumulation), "1 step or more", "check the optimizer batch");
            }
        }

        /** Three channels, no mixing, steps that are updates each, no averages, no clipping, F32. */
        public Settings(int batch, int imageSize, Normalization normalization, double labelSmoothing, long seed) {
            this(batch, imageSize, 3, normalization, labelSmoothing, false, 1, null, null, seed, null);
        }

        /** For a network of other input channels. */
        public Settings channels(int n) {
            return new Settings(batch, imageSize, n, normalization, labelSmoothing, mixed, accumulation, averaging, clip, seed, precision);
        }

        /** With mixed images, or without. */
        public Settings mixed(boolean on) {
            return new Settings(batch, imageSize, channels, normalization, labelSmoothing, on, accumulation, averaging, clip, seed, precision);
        }

        /** With another number of steps that make one update. */
        public Settings accumulation(int steps) {
            return new Settings(batch, imageSize, channels, normalization, labelSmoothing, mixed, steps, averaging, clip, seed, precision);
        }

        /** With averages; null for none. */
        public Settings averaging(Averaging how) {
            return new Settings(batch, imageSize, channels, normalization, labelSmoothing, mixed, accumulation, how, clip, seed, precision);
        }

        /** With clipped gradients; null for not. */
        public Settings clip(ClipByGlobalNorm how) {
            return new Settings(batch, imageSize, channels, normalization, labelSmoothing, mixed, accumulation, averaging, how, seed, precision);
        }

        /** With mixed precision; null for F32. */
        public Settings precision(MixedPrecision how) {
            return new Settings(batch, imageSize, channels, normalization, labelSmoothing, mixed, accumulation, averaging, clip, seed, how);
        }

        /** Whether a step, counted from 0, changes the parameters. */
        public boolean updates(long step) {
            return step % accumulation == accumulation - 1;
        }
    }

    private TrainStep(List<Plan> plans, Settings settings, LossScaler scaler) {
        this.update = plans.getFirst();
        this.accumulate = plans.getLast();
        this.current = update;
        this.settings = settings;
        this.scaler = scaler;
        this.counter = update.hasInput(GraphBuilder.RANDOM) ? arena.allocate(ValueLayout.JAVA_LONG, 2) : null;
        if (counter != null) {
            counter.setAtIndex(ValueLayout.JAVA_LONG, 0, settings.seed);
        }
    }

    /**
     * Plans the step. The module's variables, the optimizer's slots, the accumulators ({@code accumulator.<parameter>}) and the loss scale ({@code loss_scale} and its counters)
     * are added to the state unless they are there; averages ({@code ema.<variable>}) begin as copies of what they are averages of.
     */
    public static TrainStep of(Module module, Optimizer optimizer, Settings settings, State state) {
        StepGraphs graphs = new StepGraphs(module, optimizer, settings, Fusion.beforeGradients(state.backend()), state::variable);
        Pass fuse = EmulateTf32.on(state.backend()).then(Fusion.ofStep(state.backend()));
        List<Graph> all = new ArrayList<>(List.of(fuse.apply(graphs.update())));
        if (settings.accumulation > 1) {
            all.add(fuse.apply(graphs.accumulate()));
        }
        state.initialize(module.variables().values(), settings.seed);
        if (optimizer.averages().variables().values().stream().anyMatch(v -> state.variable(v.name()) == null)) {
            optimizer.averages().start(state);
        }
        List<Variable> memory = new ArrayList<>(optimizer.slots());
        memory.addAll(graphs.accumulators());
        if (graphs.scaler() != null) {
            memory.addAll(graphs.scaler().variables());
        }
        state.initialize(memory, settings.seed);
        return new TrainStep(Plan.together(all, state), settings, graphs.scaler());
    }

    /**
     * The step that changes the parameters, as a graph: inputs images U8 (N, H, W, 3), labels I32 (N), lr F32 (); output loss F32 (), and overflow I32 () where the loss is scaled.
     */
    public static Graph graph(Module module, Optimizer optimizer, Settings s) {
        return graph(module, optimizer, s, g -> g);
    }

    /** The same. @param forward rewrites the forward part, before its gradients are taken */
    public static Graph graph(Module module, Optimizer optimizer, Settings s, Pass forward) {
        return new StepGraphs(module, optimizer, s, forward, _ -> null).update();
    }

    /** What was planned for the step that was computed last. */
    public Plan plan() {
        return current;
    }

    /**
     * Sets the batch of the next step. It may be called when the step at hand has been computed: a device then receives the one while it works on the other.
     *
     * @param images U8 (N, H, W, 3), native; unchanged until the next step's {@link #compute}
     * @param labels I32 (N), native, likewise
     */
    public void feed(MemorySegment images, MemorySegment labels) {
        nextImages = update.stage(StepGraphs.IMAGES, images); // the plans share them
        nextLabels = update.stage(StepGraphs.LABELS, labels);
    }

    /** As {@link #feed(MemorySegment, MemorySegment)}, for a step that mixes. @param drawn for this batch; draws nothing else until the next step's {@link #compute} */
    public void feed(MemorySegment images, MemorySegment labels, Mixer drawn) {
        feed(images, labels);
        nextMixing = MixedInputs.stage(update, drawn);
    }

    /**
     * Starts to compute a step on the batch that was fed, without changing any variable yet.
     *
     * @param step from 0
     * @param lr learning rate; used if the step {@link Settings#updates}
     */
    public void compute(long step, double lr) {
        nextImages.place();
        nextLabels.place();
        if (settings.mixed) {
            nextMixing.place();
        }
        int micro = (int) (step % settings.accumulation);
        current = settings.updates(step) ? update : accumulate;
        if (counter != null) {
            counter.setAtIndex(ValueLayout.JAVA_LONG, 1, step);
            current.feed(GraphBuilder.RANDOM, counter);
        }
        if (current.hasInput(StepGraphs.AVERAGE_DECAY)) {
            current.feed(StepGraphs.AVERAGE_DECAY, (float) settings.averaging.decay(step, settings.accumulation));
        }
        if (current.hasInput(StepGraphs.UPDATES)) {
            updates.set(ValueLayout.JAVA_INT, 0, Math.toIntExact(step / settings.accumulation + 1));
            current.feed(StepGraphs.UPDATES, updates);
        }
        if (current == update) {
            current.feed(StepGraphs.LR, (float) lr);
        } else {
            current.feed(StepGraphs.KEEP, micro == 0 ? 0 : 1);
        }
        current.compute();
    }

    /** Waits for the computed step. @return its loss, which may be NaN */
    public float loss() {
        return current.scalar(StepGraphs.LOSS);
    }

    /** Waits for the computed step. @return whether its gradients are not all finite, so that it changes nothing but the loss scale; false if the loss is not scaled */
    boolean overflows() {
        if (scaler == null) {
            return false;
        }
        current.fetch(LossScaler.OVERFLOW, flag);
        return flag.get(ValueLayout.JAVA_INT, 0) != 0;
    }

    /** Reads the loss scale, as committed steps have left it, off the device. @return null if the loss is not scaled */
    LossScaler.Reading scale() {
        return scaler == null ? null : scaler.read(current.state());
    }

    /** Lets the computed step change the variables. */
    public void commit() {
        current.commit();
    }

    /** Frees the plans; the state stays. */
    @Override
    public void close() {
        update.close();
        accumulate.close();
        arena.close();
    }
}
