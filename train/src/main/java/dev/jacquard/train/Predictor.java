package dev.jacquard.train;

import dev.jacquard.data.ImageSource;
import dev.jacquard.data.Loader;
import dev.jacquard.data.Transform;
import dev.jacquard.layers.Module;
import dev.jacquard.mixedprecision.EmulateTf32;
import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.models.ModelOptions;
import dev.jacquard.models.Models;
import dev.jacquard.models.Weights;
import dev.jacquard.passes.FrozenPlans;
import dev.jacquard.passes.Fusion;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A trained network that answers. Thread-safe: calls take turns, since each one uses all of the device; {@link #close} waits for the one at hand. Plans are
 * made when a batch size or an image size is met for the first time, and kept.
 */
public final class Predictor implements AutoCloseable {
    /** Key of the image size in a weights file's metadata. */
    public static final String IMAGE_SIZE = "image_size";

    private static final int MOST_PLANS = 8;
    private static final int MOST_AT_ONCE = 32;

    private final Module module;
    private final Weights.Info info;
    private final String arch;
    private final int classes;
    private final MixedPrecision precision;
    private final State state;
    private final FrozenPlans frozen;
    private final ReentrantLock lock = new ReentrantLock(true);
    private final Map<Key, Plan> plans = new LinkedHashMap<>(16, 0.75f, true);
    private boolean closed;

    /** What a plan was made for. */
    private record Key(DType input, int n, int h, int w) {}

    private Predictor(Module module, Weights.Info info, String arch, int classes, MixedPrecision precision, State state) {
        this.module = module;
        this.info = info;
        this.arch = arch;
        this.classes = classes;
        this.precision = precision;
        this.state = state;
        this.frozen = new FrozenPlans(state);
    }

    /**
     * Loads weights.
     *
     * @param arch name of the architecture, or null to take what the file says
     * @param weights safetensors or a PyTorch checkpoint, under any names that {@link Weights} knows
     * @param backend where to compute; the caller's to close, after this
     * @throws DataException if the file is damaged, of another architecture, or does not say which it is of
     */
    public static Predictor load(String arch, Path weights, Backend backend) {
        return load(arch, weights, false, backend);
    }

    /** The same. @param averaged whether to take the averaged weights of a checkpoint */
    public static Predictor load(String arch, Path weights, boolean averaged, Backend backend) {
        return load(arch, weights, averaged, null, backend);
    }

    /**
     * The same. @param precision the half-precision type to compute in, where weights are rounded once, when they are loaded; null for F32. Images and logits are F32 in any case
     */
    public static Predictor load(String arch, Path weights, boolean averaged, MixedPrecision precision, Backend backend) {
        Weights.Info info = Weights.inspect(weights, averaged);
        String name = arch != null ? arch : info.arch().orElseThrow(() -> new DataException(weights.toString(), "does not say which architecture it is of",
                "neither metadata nor known tensor names", "weights saved by train, or of " + Models.names(), "pass --arch"));
        Models.row(name);
        // Where the file does not tell, the architecture's usual number, so that the error tells the difference.
        int classes = info.classes().orElse(Models.row(name).classes());
        // A known file says how its source normalises; with another epsilon the same weights give other logits.
        Module module = info.options().filter(_ -> info.arch().equals(Optional.of(Models.row(name).name()))).map(o -> Models.create(name, o))
                .orElseGet(() -> Models.create(name, classes));
        State state = new State(backend).reserve(module.variables().values());
        boolean loaded = false;
        try {
            Weights.load(weights, module, state, new Weights.Options(averaged, false));
            loaded = true;
            return new Predictor(module, info, name, classes, precision, state);
        } finally {
            if (!loaded) {
                state.close();
            }
        }
    }

    /** Name of the architecture. */
    public String arch() {
        return arch;
    }

    /** Number of logits. */
    public int classes() {
        return classes;
    }

    /** Names of the classes: those in the file, or else {@code class 0}, {@code class 1}, ... */
    public List<String> classNames() {
        return info.classNames().size() == classes ? info.classNames() : java.util.stream.IntStream.range(0, classes).mapToObj(i -> "class " + i).toList();
    }

    /** Height and width of the images that the network was trained on. */
    public int imageSize() {
        return Preparation.size(info, Models.row(arch));
    }

    /** How images of any size become what the network was evaluated on. @param size height and width of the result */
    public Transform.Eval transform(int size) {
        return Preparation.transform(info, Models.row(arch), size);
    }

    /** Logits (N, classes) of normalised images (N, H, W, 3). */
    public float[] logits(float[] images, int n, int h, int w) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment in = arena.allocate(Math.max(4L * images.length, 4), 64);
            MemorySegment.copy(images, 0, in, ValueLayout.JAVA_FLOAT, 0, images.length);
            MemorySegment out = arena.allocate(Math.max(4L * n * classes, 4), 64);
            logits(DType.F32, in.asSlice(0, 4L * images.length), n, h, w, out);
            return out.asSlice(0, 4L * n * classes).toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    /**
     * Logits of images.
     *
     * @param kind F32 for normalised images, U8 for pixels, which are then normalised with {@link Trainer#NORMALIZATION}
     * @param images (N, H, W, 3), native
     * @param out F32 (N, classes), native
     */
    public void logits(DType kind, MemorySegment images, int n, int h, int w, MemorySegment out) {
        long bytes = 3L * h * w * kind.bytes();
        if (images.byteSize() != n * bytes) {
            throw new ShapeException("predict", "images do not have their size", images.byteSize() + " bytes", n * bytes + " for (" + n + ", " + h + ", " + w + ", 3) of " + kind,
                    "check the shape");
        }
        lock.lock();
        try {
            requireOpen();
            for (int at = 0; at < n; at += MOST_AT_ONCE) {
                int count = Math.min(MOST_AT_ONCE, n - at);
                Plan plan = plan(new Key(kind, count, h, w));
                plan.feed("images", images.asSlice(at * bytes, count * bytes));
                plan.run();
                plan.fetch("logits", out.asSlice(4L * at * classes, 4L * count * classes));
            }
        } finally {
            lock.unlock();
        }
    }

    /** Probabilities (N, classes) of pixels, 8-bit RGB (N, H, W, 3). */
    public float[] probabilities(byte[] pixels, int n, int h, int w) {
        float[] all;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment in = arena.allocate(Math.max(pixels.length, 1), 64).copyFrom(MemorySegment.ofArray(pixels));
            MemorySegment out = arena.allocate(4L * n * classes, 64);
            logits(DType.U8, in.asSlice(0, pixels.length), n, h, w, out);
            all = out.toArray(ValueLayout.JAVA_FLOAT);
        }
        for (int i = 0; i < n; i++) {
            softmax(all, i * classes, classes);
        }
        return all;
    }

    private static void softmax(float[] v, int from, int count) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = from; i < from + count; i++) {
            max = Math.max(max, v[i]);
        }
        double sum = 0;
        for (int i = from; i < from + count; i++) {
            sum += Math.exp(v[i] - max);
        }
        for (int i = from; i < from + count; i++) {
            v[i] = (float) (Math.exp(v[i] - max) / sum);
        }
    }

    /**
     * Measures the network on a data set.
     *
     * @throws DataException if the data set has another number of classes, or no readable picture
     */
    public Evaluation evaluate(ImageSource source, int imageSize, int batch) {
        if (source.classes().size() != classes) {
            throw new DataException("--data", "wrong number of classes", source.classes().size() + " class folders", classes + " classes, as the weights have",
                    "give the data set that the weights were trained for");
        }
        if (!info.classNames().isEmpty() && !info.classNames().equals(source.classes())) {
            throw new DataException("--data", "other classes than the weights were trained for", String.join(", ", source.classes().subList(0, Math.min(5, classes))) + ", ...",
                    String.join(", ", info.classNames().subList(0, Math.min(5, classes))) + ", ...", "name the class folders as in training");
        }
        lock.lock();
        try (EvalStep step = EvalStep.of(module, new EvalStep.Settings(Math.min(batch, source.size()), imageSize, channels(), Trainer.NORMALIZATION, 0, precision),
                Map.of(), state);
                Loader loader = Loader.evaluate(source, transform(imageSize)).batch(Math.min(batch, source.size())).open()) {
            requireOpen();
            return step.run(loader, () -> false).getFirst();
        } finally {
            lock.unlock();
        }
    }

    private Plan plan(Key key) {
        Plan plan = plans.get(key);
        if (plan == null) {
            if (plans.size() == MOST_PLANS) {
                Key oldest = plans.keySet().iterator().next();
                plans.remove(oldest).close();
            }
            plan = frozen.of(MixedPrecision.pass(precision).then(EmulateTf32.on(state.backend())).then(Fusion.ofEvaluation(state.backend())).apply(graph(key)));
            plans.put(key, plan);
            frozen.settle(); // the weights stay as they were loaded
        }
        return plan;
    }

    private Graph graph(Key key) {
        GraphBuilder b = new GraphBuilder(false);
        Tensor x = b.input("images", TensorType.of(key.input, key.n, key.h, key.w, 3));
        b.output("logits", module.apply(Pixels.padded(key.input == DType.U8 ? Pixels.normalize(x, Trainer.NORMALIZATION) : x, channels())));
        return b.build();
    }

    /**
     * What the network is, for whoever computes it elsewhere: {@code logits} of normalised {@code images} F32 (n, h, w, 3), as the model says it, nothing fused. Its variables are
     * in {@link #weights}.
     */
    public Graph graph(int n, int h, int w) {
        return graph(new Key(DType.F32, n, h, w));
    }

    /** The loaded weights; this predictor's, so they are gone when it is closed. */
    public State weights() {
        return state;
    }

    /** Channels that the network takes; those after the third are zeros. */
    private int channels() {
        return info.options().map(ModelOptions::channels).orElse(3);
    }

    private void requireOpen() {
        if (closed) {
            throw new CallerException("predictor", "already closed", "a call after close()", "an open predictor", "load the weights again");
        }
    }

    /** Frees plans and weights, after the call at hand. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            plans.values().forEach(Plan::close);
            plans.clear();
            frozen.close();
            state.close();
        } finally {
            lock.unlock();
        }
    }
}
