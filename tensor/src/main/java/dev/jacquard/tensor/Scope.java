package dev.jacquard.tensor;

import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Composite;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Random;
import dev.jacquard.tensor.op.ViewOp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Executes ops at once and owns the memory of every tensor made in it; closing it frees them all. For tests, shells and debugging: a step that
 * runs more than once wants a {@link dev.jacquard.tensor.plan.Plan}. Not thread-safe.
 *
 * {@snippet :
 * try (Scope s = Scope.open(backend)) {
 *     EagerTensor x = s.tensor(new float[] {1, 2, 3}, 3);
 *     double norm = ((EagerTensor) x.square().sum()).item();
 * }
 * }
 *
 * <p>A scope that is dropped without being closed is freed when the garbage collector finds it, with a warning that names the ops whose memory it held.
 */
public final class Scope implements Context, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Scope.class);
    private static final Cleaner CLEANER = Cleaner.create();

    private final Backend backend;
    private final boolean training;
    private final boolean origins;
    private final Holdings holdings = new Holdings();
    private final Cleaner.Cleanable cleanable = CLEANER.register(this, holdings);
    private final Map<Variable, Tensor> values = new IdentityHashMap<>();
    private long seed;
    private int streams;
    private int applied;

    private Scope(Backend backend, boolean training, boolean origins) {
        this.backend = backend;
        this.training = training;
        this.origins = origins;
    }

    /** A scope in which layers behave as in evaluation and tensors do not remember where they came from. */
    public static Scope open(Backend backend) {
        return new Scope(backend, false, false);
    }

    /** A scope in which layers behave as in training and tensors remember where they came from, for gradients. */
    public static Scope training(Backend backend) {
        return new Scope(backend, true, true);
    }

    /** What is held, apart from the scope so that it can be freed when the scope is gone. */
    private static final class Holdings implements Runnable {
        private final List<Buffer> buffers = new ArrayList<>();
        private final Map<String, Integer> allocations = new TreeMap<>();
        private boolean closed;

        /** Runs once: at close, or as a leak. */
        @Override
        public void run() {
            if (!closed && !buffers.isEmpty()) {
                long bytes = buffers.stream().mapToLong(Buffer::bytes).sum();
                LOG.warn("a Scope was never closed: {} bytes in {} buffers, allocated by {}; use try-with-resources", bytes, buffers.size(), allocations);
            }
            buffers.forEach(Buffer::close);
            buffers.clear();
        }
    }

    /** The device. */
    public Backend backend() {
        return backend;
    }

    /** A tensor of given values, row-major. */
    public EagerTensor tensor(float[] values, long... dims) {
        double[] d = new double[values.length];
        for (int i = 0; i < d.length; i++) {
            d[i] = values[i];
        }
        return tensor(TensorType.f32(dims), d);
    }

    /** A tensor of given values, row-major, rounded to the type. */
    public EagerTensor tensor(TensorType type, double... values) {
        if (values.length != type.shape().size()) {
            throw new ShapeException("tensor", "wrong number of values", Integer.toString(values.length), type.shape().size() + " for " + type, "check the shape");
        }
        Buffer b = allocate(type.bytes(), "tensor");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(Math.max(type.bytes(), 1), 8);
            for (int i = 0; i < values.length; i++) {
                Elements.set(host, type.dtype(), i, values[i]);
            }
            b.upload(0, host.asSlice(0, type.bytes()));
        }
        return new EagerTensor(this, View.of(b, type));
    }

    @Override
    public List<Tensor> apply(Op op, List<Tensor> inputs) {
        if (holdings.closed) {
            throw new CallerException(op.name(), "scope is closed", "a closed scope", "an open one", "keep the tensors' use inside the try block");
        }
        List<EagerTensor> in = inputs.stream().map(this::own).toList();
        List<EagerTensor> out = switch (op) {
            case Leaf leaf -> List.of(leaf(leaf));
            case ViewOp view -> List.of(view(view, in.getFirst()));
            case Composite c when backend.unsupported(op, types(in)).isPresent() -> {
                op.infer(types(in));
                yield c.define(inputs).stream().map(this::own).toList();
            }
            default -> launch(op, in);
        };
        if (origins) {
            Tensor.Origin origin = new Tensor.Origin(applied++, op, List.copyOf(inputs), List.copyOf(out));
            out.forEach(t -> t.origin(origin));
        }
        return List.copyOf(out);
    }

    private static List<TensorType> types(List<EagerTensor> tensors) {
        return tensors.stream().map(Tensor::type).toList();
    }

    private EagerTensor own(Tensor t) {
        if (t instanceof EagerTensor e && e.context() == this) {
            return e;
        }
        throw new CallerException("scope", "tensor belongs to another context", t.toString(), "a tensor of this scope", "make it with this scope's tensor()");
    }

    private EagerTensor leaf(Leaf leaf) {
        return switch (leaf) {
            case Leaf.Fill f -> {
                EagerTensor one = tensor(f.type().withShape(Shape.scalar()), f.value());
                yield new EagerTensor(this, one.view().with(Layout.repeated(f.type().shape())));
            }
            case Leaf.Literal l -> tensor(l.type(), l.values().stream().mapToDouble(Double::doubleValue).toArray());
            case Leaf.Read r -> own(read(r.variable()));
            case Leaf.Input i -> throw new CallerException("input", "nothing to feed from", i.label(), "a graph", "make eager values with tensor()");
        };
    }

    private EagerTensor view(ViewOp op, EagerTensor in) {
        op.infer(List.of(in.type()));
        Optional<Layout> layout = op.view(in.view().layout());
        if (layout.isPresent()) {
            return new EagerTensor(this, in.view().with(layout.get()));
        }
        View copy = contiguous(in).view();
        return new EagerTensor(this, copy.with(op.view(copy.layout()).orElseThrow()));
    }

    /** The same values without gaps. */
    EagerTensor contiguous(EagerTensor t) {
        return launch(new Movement.Copy(), List.of(t)).getFirst();
    }

    private List<EagerTensor> launch(Op op, List<EagerTensor> in) {
        List<TensorType> types = types(in);
        List<TensorType> outTypes = op.infer(types);
        backend.unsupported(op, types).ifPresent(why -> {
            throw new DeviceException(op.name(), "no kernel on " + backend.name(), types.toString(), "a supported op and types", why);
        });
        List<View> views = new ArrayList<>();
        for (int i = 0; i < in.size(); i++) {
            boolean fits = backend.accepts(op, i, in.get(i).view().layout());
            views.add(fits ? in.get(i).view() : contiguous(in.get(i)).view());
        }
        List<View> out = outTypes.stream().map(t -> View.of(allocate(t.bytes(), op.name()), t)).toList();
        long scratch = backend.workspace(op, types);
        try (Buffer workspace = backend.allocate(Math.max(scratch, 1), op.name() + " workspace")) {
            backend.prepare(op, views, out, workspace).run();
            backend.synchronize();
        }
        return out.stream().map(v -> new EagerTensor(this, v)).toList();
    }

    private Buffer allocate(long bytes, String purpose) {
        Buffer b = backend.allocate(Math.max(bytes, 1), purpose);
        holdings.buffers.add(b);
        holdings.allocations.merge(purpose, 1, Integer::sum);
        return b;
    }

    /** The variable's value in this scope: what was written last, or else its initial value for the scope's seed. */
    @Override
    public Tensor read(Variable variable) {
        return values.computeIfAbsent(variable, v -> {
            float[] init = v.initialValues(seed);
            double[] d = new double[init.length];
            for (int i = 0; i < d.length; i++) {
                d[i] = init[i];
            }
            return tensor(v.type(), d);
        });
    }

    @Override
    public void write(Variable variable, Tensor value) {
        values.put(variable, own(value));
    }

    @Override
    public boolean training() {
        return training;
    }

    /** Sets the seed that random numbers and initial values are a function of. */
    public Scope seed(long value) {
        seed = value;
        return this;
    }

    @Override
    public Tensor uniform(Shape shape) {
        return apply(new Random.Uniform(shape, streams++), List.of(counter())).getFirst();
    }

    @Override
    public Tensor dropout(Tensor x, double survival, Random.Dropout.Fate fate) {
        return apply(new Random.Dropout(survival, fate, streams++), List.of(x, counter())).getFirst();
    }

    /** What random numbers are a function of: the seed, at step 0. */
    private Tensor counter() {
        return tensor(TensorType.of(DType.I64, 2), seed, 0);
    }

    @Override
    public Label label(String name) {
        return () -> {};
    }

    /** Bytes held by the scope's tensors. */
    public long bytes() {
        return holdings.buffers.stream().mapToLong(Buffer::bytes).sum();
    }

    /** Frees all tensors of the scope; a second call does nothing. */
    @Override
    public void close() {
        holdings.closed = true;
        cleanable.clean();
    }
}
