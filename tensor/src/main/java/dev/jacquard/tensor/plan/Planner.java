package dev.jacquard.tensor.plan;

import dev.jacquard.tensor.DeviceException;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.OutOfMemoryException;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.ViewOp;
import it.unimi.dsi.fastutil.objects.Reference2IntOpenHashMap;
import it.unimi.dsi.fastutil.objects.Reference2ObjectOpenHashMap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Turns a graph into a {@link Plan}: chooses the order, gives every value a place, binds the launches. Used once: {@link #draft}, then {@link #bind}. */
final class Planner {
    /** Where a value lies. */
    private record Place(Storage storage, Layout layout) {
        boolean fills(TensorType type) {
            return layout.offset() == 0 && layout.isContiguous() && storage.bytes == type.bytes();
        }
    }

    /** A launch whose operands have places but no addresses yet. */
    private record Draft(Node node, Op op, List<TensorType> inputTypes, List<Place> inputs, List<TensorType> outputTypes, List<Place> outputs, Storage workspace, boolean commit) {}

    private final Graph graph;
    private final State state;
    private final Backend backend;
    private final List<Storage> arena = new ArrayList<>();
    private final List<Draft> drafts = new ArrayList<>();
    private final Map<Symbol, Place> places = new Reference2ObjectOpenHashMap<>();
    private final Map<Variable, Storage> variables = new Reference2ObjectOpenHashMap<>();
    private final Map<Variable, Symbol> reads = new Reference2ObjectOpenHashMap<>();
    private final Map<Storage, Leaf> constants = new LinkedHashMap<>();
    private final Map<Leaf.Input, Storage> fed = new LinkedHashMap<>();
    private final Reference2IntOpenHashMap<Symbol> lastUse = new Reference2IntOpenHashMap<>();
    private final Map<Symbol, Variable> updateOf = new Reference2ObjectOpenHashMap<>();
    private final Map<String, Place> results = new LinkedHashMap<>();
    private Schedule schedule;
    private int now;
    private long constantBytes;
    private long arenaBytes;

    Planner(Graph graph, State state) {
        this.state = state;
        this.backend = state.backend();
        this.graph = graph.expand(n -> backend.unsupported(n.op(), Graph.types(n.inputs())).isPresent()); // what the device has no kernel for
        this.graph.updates().forEach((v, s) -> updateOf.put(s, v));
    }

    /** Gives every value a place; memory for them is not there yet. */
    Planner draft() {
        schedule = Schedule.of(graph);
        List<Node> order = schedule.order();
        uses(order);
        for (now = 0; now < schedule.commitFrom(); now++) {
            place(order.get(now), false);
        }
        results(false);
        for (; now < order.size(); now++) {
            place(order.get(now), true);
        }
        results(true);
        updates();
        for (Storage s : constants.keySet()) {
            s.offset = constantBytes;
            constantBytes += ArenaLayout.align(s.bytes);
        }
        arenaBytes = ArenaLayout.place(arena);
        return this;
    }

    /** Bytes of the values that are the same in every step; nothing else may lie there, not even between steps. */
    long constantBytes() {
        return constantBytes;
    }

    /** What is fed at every step. */
    Set<Leaf.Input> fed() {
        return fed.keySet();
    }

    /** Bytes of all other values; nothing needs to stay there between steps. */
    long arenaBytes() {
        return arenaBytes;
    }

    /** When each value, through all views of it, is used last. */
    private void uses(List<Node> order) {
        lastUse.defaultReturnValue(-1);
        for (int t = 0; t < order.size(); t++) {
            for (Symbol s : order.get(t).inputs()) {
                lastUse.put(root(s), t);
            }
        }
        graph.outputs().values().forEach(s -> lastUse.put(root(s), Storage.FOREVER));
        // Updates that were not computed in place are copied after all nodes.
        graph.updates().values().forEach(s -> lastUse.put(root(s), Storage.FOREVER));
    }

    private static Symbol root(Symbol s) {
        Symbol r = s;
        while (r.node().op() instanceof ViewOp) {
            r = r.node().inputs().getFirst();
        }
        return r;
    }

    private void place(Node n, boolean commit) {
        switch (n.op()) {
            case Leaf leaf -> {
                Symbol s = n.outputs().getFirst();
                places.put(s, leaf(leaf));
                if (leaf instanceof Leaf.Read read) {
                    reads.put(read.variable(), s);
                }
            }
            case ViewOp view -> places.put(n.outputs().getFirst(), view(n, view, commit));
            default -> kernel(n, commit);
        }
    }

    private Place leaf(Leaf leaf) {
        TensorType type = leaf.type();
        return switch (leaf) {
            case Leaf.Read read -> new Place(variable(read.variable()), Layout.contiguous(type.shape()));
            case Leaf.Input in -> {
                Storage s = fixed(type.bytes());
                fed.put(in, s);
                yield new Place(s, Layout.contiguous(type.shape()));
            }
            case Leaf.Fill _ -> new Place(constant(type.dtype().bytes(), leaf), Layout.repeated(type.shape()));
            case Leaf.Literal _ -> new Place(constant(type.bytes(), leaf), Layout.contiguous(type.shape()));
        };
    }

    private Storage constant(long bytes, Leaf leaf) {
        Storage s = fixed(bytes);
        constants.put(s, leaf);
        return s;
    }

    /** What lies outside of the part of the arena whose places are used again and again. */
    private static Storage fixed(long bytes) {
        Storage s = new Storage(bytes, 0, null);
        s.keepUntil(Storage.FOREVER);
        return s;
    }

    private Storage variable(Variable v) {
        return variables.computeIfAbsent(v, _ -> new Storage(v.type().bytes(), 0, v));
    }

    private Storage fresh(long bytes, int from, int to) {
        Storage s = new Storage(bytes, from, null);
        s.keepUntil(to);
        arena.add(s);
        return s;
    }

    private Place view(Node n, ViewOp view, boolean commit) {
        Symbol in = n.inputs().getFirst();
        Place p = places.get(in);
        Optional<Layout> layout = view.view(p.layout());
        if (layout.isPresent()) {
            return new Place(p.storage(), layout.get());
        }
        Place copy = copy(n, in.type(), p, Math.max(now, lastUse.getInt(root(in))), commit);
        return new Place(copy.storage(), view.view(copy.layout()).orElseThrow());
    }

    private Place copy(Node n, TensorType type, Place from, int until, boolean commit) {
        Place to = new Place(fresh(type.bytes(), now, until), Layout.contiguous(type.shape()));
        draft(n, new Movement.Copy(), List.of(type), List.of(from), List.of(type), List.of(to), commit);
        return to;
    }

    private void kernel(Node n, boolean commit) {
        List<TensorType> types = Graph.types(n.inputs());
        backend.unsupported(n.op(), types).ifPresent(why -> {
            throw new DeviceException(n.op().name(), "no kernel on " + backend.name(), n + " of " + types, "a supported op and types", why);
        });
        List<Place> in = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            Place p = places.get(n.inputs().get(i));
            in.add(backend.accepts(n.op(), i, p.layout()) ? p : copy(n, types.get(i), p, now, commit));
        }
        List<Place> out = new ArrayList<>();
        for (Symbol s : n.outputs()) {
            Place p = output(n, s, in, commit);
            p.storage().keepUntil(Math.max(now, lastUse.getInt(s)));
            places.put(s, p);
            out.add(p);
        }
        draft(n, n.op(), types, in, Graph.types(n.outputs()), out, commit);
    }

    private void draft(Node n, Op op, List<TensorType> inTypes, List<Place> in, List<TensorType> outTypes, List<Place> out, boolean commit) {
        for (Place p : in) {
            p.storage().keepUntil(now);
        }
        Storage workspace = fresh(backend.workspace(op, inTypes), now, now);
        drafts.add(new Draft(n, op, inTypes, in, outTypes, out, workspace, commit));
    }

    /** Memory of variables is written in the committing part only. */
    private Place output(Node n, Symbol s, List<Place> in, boolean commit) {
        Layout contiguous = Layout.contiguous(s.type().shape());
        int i = n.op().overwrites(s.index());
        Variable target = commit ? updateOf.get(s) : null;
        if (i >= 0 && in.get(i).fills(s.type()) && n.inputs().get(i).type().equals(s.type()) && alone(in, i)) {
            Storage storage = in.get(i).storage();
            boolean free = storage.variable == null
                    ? !constants.containsKey(storage) && lastUseOf(n, i) <= now && storage.to <= now
                    : storage.variable == target && lastRead(storage.variable) <= now;
            if (free) {
                return new Place(storage, contiguous);
            }
        }
        if (target != null && lastRead(target) < now && !graph.outputs().containsValue(s)) {
            return new Place(variable(target), contiguous);
        }
        return new Place(fresh(s.type().bytes(), now, now), contiguous);
    }

    private int lastUseOf(Node n, int input) {
        return lastUse.getInt(root(n.inputs().get(input)));
    }

    /** Whether no other operand shares input i's storage: a kernel might read it after it was overwritten. */
    private static boolean alone(List<Place> in, int i) {
        for (int j = 0; j < in.size(); j++) {
            if (j != i && in.get(j).storage() == in.get(i).storage()) {
                return false;
            }
        }
        return true;
    }

    /** When a variable's old value is used last; -1 if it is not read. */
    private int lastRead(Variable v) {
        Symbol read = reads.get(v);
        return read == null ? -1 : lastUse.getInt(read);
    }

    /**
     * Places the results that are not placed yet. One that shares a variable's memory would change with it, so it is copied: those of the computing part
     * before the first variable is written, those of the committing part at the end.
     */
    private void results(boolean commit) {
        graph.outputs().forEach((name, s) -> {
            Place p = places.get(s);
            if (p != null && !results.containsKey(name)) {
                boolean stays = p.storage().variable == null && p.layout().isContiguous();
                results.put(name, stays ? p : copy(s.node(), s.type(), p, Storage.FOREVER, commit));
            }
        });
    }

    private void updates() {
        Map<Variable, Place> staged = new LinkedHashMap<>();
        graph.updates().forEach((v, s) -> {
            Place p = places.get(s);
            boolean inPlace = p.storage().variable == v && p.fills(v.type());
            if (!inPlace) {
                // Another variable's old value may itself be overwritten: take it aside first.
                staged.put(v, p.storage().variable == null ? p : copy(s.node(), s.type(), p, Storage.FOREVER, true));
            }
        });
        staged.forEach((v, p) -> draft(graph.updates().get(v).node(), new Movement.Copy(), List.of(v.type()), List.of(p), List.of(v.type()),
                List.of(new Place(variable(v), Layout.contiguous(v.type().shape()))), true));
    }

    /**
     * Binds the launches.
     *
     * @param memory that the plan's values lie in
     * @param constantsAt where its constants begin
     * @param fedAt where what is fed to it lies
     * @param arenaAt where its other values begin
     * @param release frees the memory, as far as this plan is concerned
     */
    Plan bind(Buffer memory, long constantsAt, Map<Leaf.Input, Long> fedAt, long arenaAt, Runnable release) {
        fed.forEach((in, s) -> s.buffer = memory.slice(fedAt.get(in), s.bytes));
        constants.keySet().forEach(s -> s.buffer = memory.slice(constantsAt + s.offset, s.bytes));
        arena.forEach(s -> s.buffer = memory.slice(arenaAt + s.offset, s.bytes));
        variables.forEach((v, s) -> s.buffer = state.buffer(v).slice(0, s.bytes));
        constants.forEach(Planner::upload);

        List<Plan.Step> compute = new ArrayList<>();
        List<Plan.Step> commit = new ArrayList<>();
        for (Draft d : drafts) {
            List<View> in = views(d.inputTypes(), d.inputs());
            List<View> out = views(d.outputTypes(), d.outputs());
            Plan.Step step = new Plan.Step(d.node(), d.op(), d.inputTypes(), backend.prepare(d.op(), in, out, d.workspace().buffer), out);
            (d.commit() ? commit : compute).add(step);
        }
        Map<String, View> inputs = new LinkedHashMap<>();
        graph.inputs().forEach((name, s) -> {
            if (places.containsKey(s)) {
                inputs.put(name, view(s.type(), places.get(s)));
            }
        });
        Map<String, View> outputs = new LinkedHashMap<>();
        results.forEach((name, p) -> outputs.put(name, view(graph.outputs().get(name).type(), p)));
        long bytes = constantBytes + arenaBytes + fed.values().stream().mapToLong(f -> ArenaLayout.align(f.bytes)).sum();
        return new Plan(graph, state, release, bytes, compute, commit, inputs, outputs);
    }

    /** Allocates what {@link #bind} is given. @throws OutOfMemoryException if there is not enough; the message names what is largest in this plan */
    Buffer allocate(long bytes) {
        try {
            return backend.allocate(Math.max(bytes, 1), "the plan's arena");
        } catch (OutOfMemoryException e) {
            Map<Storage, String> names = new Reference2ObjectOpenHashMap<>();
            drafts.forEach(d -> d.outputs().stream().map(Place::storage).filter(s -> s.variable == null).forEach(s -> names.putIfAbsent(s, d.node().toString())));
            throw MemoryReport.arena(graph, bytes, names, backend.freeMemory(), e);
        }
    }

    private static List<View> views(List<TensorType> types, List<Place> places) {
        List<View> views = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            views.add(view(types.get(i), places.get(i)));
        }
        return views;
    }

    private static View view(TensorType type, Place p) {
        return new View(p.storage().buffer, type.dtype(), p.layout());
    }

    private static void upload(Storage s, Leaf leaf) {
        try (Arena a = Arena.ofConfined()) {
            MemorySegment m = a.allocate(Math.max(s.bytes, 1), 8);
            switch (leaf) {
                case Leaf.Fill fill -> Elements.set(m, fill.type().dtype(), 0, fill.value());
                case Leaf.Literal literal -> {
                    for (int i = 0; i < literal.values().size(); i++) {
                        Elements.set(m, literal.type().dtype(), i, literal.values().get(i));
                    }
                }
                case Leaf.Input _, Leaf.Read _ -> throw new AssertionError(leaf);
            }
            s.buffer.upload(0, m.asSlice(0, s.bytes));
        }
    }
}
