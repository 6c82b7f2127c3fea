package dev.jacquard.tensor.plan;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.op.Cost;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Op;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * A graph made ready to run again and again on one device: launches in order, every value's place in one arena fixed, inputs and results at
 * fixed addresses. Running it allocates nothing. Not thread-safe: one step at a time.
 *
 * <p>The launches that write variables come last. {@link #compute} runs the others, {@link #commit} runs those, so that a caller can look at
 * the loss before it lets the step change anything; {@link #run} is both.
 */
public final class Plan implements AutoCloseable {
    /**
     * One launch of the schedule.
     *
     * @param node the node it belongs to
     * @param op what is computed: the node's op, or a copy that was inserted
     * @param inputs types of what it reads
     * @param launch runs it
     * @param outputs what it writes
     */
    public record Step(Node node, Op op, List<TensorType> inputs, Launch launch, List<View> outputs) {
        /** What it must move and compute at least. */
        public Cost cost() {
            return op.cost(inputs, outputs.stream().map(View::type).toList());
        }
    }

    private final Graph graph;
    private final State state;
    private final Runnable release;
    private final long arenaBytes;
    private final Step[] compute;
    private final Step[] commit;
    private final Launch computing;
    private final Launch committing;
    private final Map<String, View> inputs;
    private final Map<String, View> outputs;
    private final Arena host = Arena.ofShared();
    private final MemorySegment scalar = host.allocate(8, 8);
    private boolean closed;

    Plan(Graph graph, State state, Runnable release, long arenaBytes, List<Step> compute, List<Step> commit, Map<String, View> inputs, Map<String, View> outputs) {
        this.graph = graph;
        this.state = state;
        this.release = release;
        this.arenaBytes = arenaBytes;
        this.compute = compute.toArray(Step[]::new);
        this.commit = commit.toArray(Step[]::new);
        this.computing = state.backend().sequence("compute", compute.stream().map(Step::launch).toList());
        this.committing = state.backend().sequence("commit", commit.stream().map(Step::launch).toList());
        this.inputs = new LinkedHashMap<>(inputs);
        this.outputs = new LinkedHashMap<>(outputs);
    }

    /**
     * Plans a graph on a state's device. All of the graph's variables must be in the state.
     *
     * @throws dev.jacquard.tensor.DeviceException if the device has no kernel for an op, or not enough memory
     */
    public static Plan of(Graph graph, State state) {
        return together(List.of(graph), state).getFirst();
    }

    /**
     * Plans graphs that take turns on one device: their values lie in one arena, as large as the largest of them needs, so that results last until another plan computes. An input
     * that several of them have, by name and type, is one: what is fed to a plan is fed to all. The arena is freed when the last plan is closed.
     *
     * @throws dev.jacquard.tensor.DeviceException as {@link #of}
     */
    public static List<Plan> together(List<Graph> graphs, State state) {
        List<Planner> planners = graphs.stream().map(g -> new Planner(g, state).draft()).toList();
        long fixed = planners.stream().mapToLong(Planner::constantBytes).sum();
        Map<Leaf.Input, Long> fedAt = new HashMap<>();
        for (Planner p : planners) {
            for (Leaf.Input in : p.fed()) {
                if (fedAt.putIfAbsent(in, fixed) == null) {
                    fixed += ArenaLayout.align(in.type().bytes());
                }
            }
        }
        Planner largest = planners.stream().max(Comparator.comparingLong(Planner::arenaBytes)).orElseThrow();
        Buffer memory = largest.allocate(fixed + largest.arenaBytes());
        AtomicInteger open = new AtomicInteger(planners.size());
        List<Plan> plans = new ArrayList<>();
        long constantsAt = 0;
        boolean done = false;
        try {
            for (Planner p : planners) {
                plans.add(p.bind(memory, constantsAt, fedAt, fixed, () -> release(memory, open)));
                constantsAt += p.constantBytes();
            }
            done = true;
            return List.copyOf(plans);
        } finally {
            if (!done) {
                memory.close();
            }
        }
    }

    /** Bytes that {@link #together} would allocate for graphs on a device, which stays as it is. */
    public static long bytes(List<Graph> graphs, Backend backend) {
        try (State none = new State(backend)) {
            List<Planner> planners = graphs.stream().map(g -> new Planner(g, none).draft()).toList();
            long constants = planners.stream().mapToLong(Planner::constantBytes).sum();
            long fed = planners.stream().flatMap(p -> p.fed().stream()).distinct().mapToLong(in -> ArenaLayout.align(in.type().bytes())).sum();
            return constants + fed + planners.stream().mapToLong(Planner::arenaBytes).max().orElse(0);
        }
    }

    private static void release(Buffer memory, AtomicInteger open) {
        if (open.decrementAndGet() == 0) {
            memory.close();
        }
    }

    /** What was planned. */
    public Graph graph() {
        return graph;
    }

    /** Bytes of the arena that all values other than variables live in; plans made together share most of them. */
    public long arenaBytes() {
        return arenaBytes;
    }

    /** Number of launches of a step. */
    public int launches() {
        return compute.length + commit.length;
    }

    /** The launches of a step in their order, those that write variables last. For looking at; {@link #run} runs them. */
    public List<Step> steps() {
        return Stream.of(compute, commit).flatMap(Arrays::stream).toList();
    }

    /** Types of what must be fed. */
    public Map<String, TensorType> inputs() {
        Map<String, TensorType> types = new LinkedHashMap<>();
        inputs.forEach((name, v) -> types.put(name, v.type()));
        return types;
    }

    /** Whether a step reads an input of this name. */
    public boolean hasInput(String name) {
        return inputs.containsKey(name);
    }

    /** Feeds an input: as many bytes as it has, row-major. */
    public void feed(String name, MemorySegment values) {
        fed(name, values).buffer().upload(0, values);
    }

    /**
     * As {@link #feed}, for the step after the one at hand: the values begin their way to the device at once, and replace the input's when the transfer is placed, after
     * {@link #commit}. They must stay unchanged until then.
     */
    public Buffer.Transfer stage(String name, MemorySegment values) {
        return fed(name, values).buffer().stage(0, values);
    }

    private View fed(String name, MemorySegment values) {
        View v = view(inputs, name, "input");
        if (values.byteSize() != v.type().bytes()) {
            throw new CallerException("feed " + name, "wrong number of bytes", values.byteSize() + " bytes", v.type().bytes() + " bytes for " + v.type(), "check the batch");
        }
        return v;
    }

    /** Feeds a scalar F32 input. */
    public void feed(String name, float value) {
        scalar.set(ValueLayout.JAVA_FLOAT, 0, value);
        feed(name, scalar.asSlice(0, 4));
    }

    /** Runs a whole step. */
    public void run() {
        compute();
        commit();
    }

    /** Runs everything but the writing of variables. */
    public void compute() {
        computing.run();
    }

    /** Writes the variables; after {@link #compute}. */
    public void commit() {
        committing.run();
    }

    /** Sees each launch of {@link #compute}. */
    @FunctionalInterface
    public interface Observer {
        /** After a launch. @param views what it wrote; values are there until the next launch at least. @return whether to go on */
        boolean after(Node node, List<View> views);
    }

    /** As {@link #compute}, slowly: an observer looks at what each launch wrote. For finding the op that made the first NaN. */
    public void compute(Observer observer) {
        for (Step s : compute) {
            s.launch().run();
            if (!observer.after(s.node(), s.outputs())) {
                return;
            }
        }
    }

    /** Type of a result. */
    public TensorType outputType(String name) {
        return view(outputs, name, "output").type();
    }

    /** Reads a result, row-major, into host memory of exactly its size. */
    public void fetch(String name, MemorySegment values) {
        View v = view(outputs, name, "output");
        v.buffer().download(v.layout().offset() * v.dtype().bytes(), values);
    }

    /** Reads a scalar F32 result. */
    public float scalar(String name) {
        fetch(name, scalar.asSlice(0, 4));
        return scalar.get(ValueLayout.JAVA_FLOAT, 0);
    }

    /** Reads an F32 result. */
    public float[] floats(String name) {
        View v = view(outputs, name, "output");
        if (v.dtype() != DType.F32) {
            throw new CallerException("output " + name, "not f32", v.type().toString(), "f32", "cast it in the graph");
        }
        try (Arena a = Arena.ofConfined()) {
            MemorySegment m = a.allocate(Math.max(v.type().bytes(), 4), 4).asSlice(0, v.type().bytes());
            fetch(name, m);
            return m.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    private static View view(Map<String, View> views, String name, String what) {
        View v = views.get(name);
        if (v == null) {
            throw new CallerException("plan", "no such " + what, name, "one of " + views.keySet(), "check the name");
        }
        return v;
    }

    /** The state that steps read and write. */
    public State state() {
        return state;
    }

    /** Frees the arena; the state stays. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            computing.release();
            committing.release();
            release.run();
            host.close();
        }
    }
}
