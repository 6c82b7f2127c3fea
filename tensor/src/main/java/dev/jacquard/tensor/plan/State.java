package dev.jacquard.tensor.plan;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Values of variables on a device, outside of any graph: what a step reads and writes, and what a checkpoint saves. Names are unique.
 */
public final class State implements AutoCloseable {
    private final Backend backend;
    private final State base;
    private final Map<Variable, Buffer> buffers = new LinkedHashMap<>();
    private final Map<String, Variable> names = new LinkedHashMap<>();

    /** An empty state on a backend. */
    public State(Backend backend) {
        this(backend, null);
    }

    private State(Backend backend, State base) {
        this.backend = backend;
        this.base = base;
    }

    /**
     * An empty state on top of another: it finds the other's variables as it finds its own, but lists, and frees when it is closed, its own only. Whoever saves the other sees
     * nothing of it.
     *
     * @param base must stay open as long as this is used
     */
    public static State over(State base) {
        return new State(base.backend, base);
    }

    /** The device's backend. */
    public Backend backend() {
        return backend;
    }

    /** Adds variables with the values that their initialisers make. @param seed all initial values are a function of it and the variable's name */
    public State initialize(Collection<Variable> variables, long seed) {
        List<Variable> missing = variables.stream().filter(v -> !has(v)).distinct().toList();
        add(missing);
        missing.forEach(v -> set(v, v.initialValues(seed)));
        return this;
    }

    /** Adds variables without values, for those that are loaded before they are read. Variables that are here already stay as they are. */
    public State reserve(Collection<Variable> variables) {
        add(variables.stream().filter(v -> !has(v)).distinct().toList());
        return this;
    }

    private boolean has(Variable v) {
        return buffers.containsKey(v) || base != null && base.has(v);
    }

    private void add(List<Variable> all) {
        Set<String> fresh = new HashSet<>();
        for (Variable v : all) {
            if (!fresh.add(v.name()) || variable(v.name()) != null) {
                throw new CallerException("state", "two variables of one name", v.name(), "unique names", "give each module its own name");
            }
        }
        List<Buffer> memory = all.isEmpty() ? List.of() : backend.allocateTogether(all.stream().map(v -> Math.max(v.type().bytes(), 1)).toList(),
                all.stream().map(Variable::name).toList());
        for (int i = 0; i < all.size(); i++) {
            buffers.put(all.get(i), memory.get(i));
            names.put(all.get(i).name(), all.get(i));
        }
    }

    /** All variables in the order they were added; of those under it ({@link #over}) none. */
    public List<Variable> variables() {
        return List.copyOf(buffers.keySet());
    }

    /** The variable of a name, or null. */
    public Variable variable(String name) {
        Variable own = names.get(name);
        return own == null && base != null ? base.variable(name) : own;
    }

    /** A variable's memory: contiguous, of the variable's type. */
    public Buffer buffer(Variable v) {
        Buffer b = buffers.get(v);
        if (b == null && base != null) {
            return base.buffer(v);
        }
        if (b == null) {
            throw new CallerException("state", "variable has no value", v.toString(), "a variable that was initialised", "call initialize with the module's variables first");
        }
        return b;
    }

    /** A variable's values as floats, row-major. */
    public float[] get(Variable v) {
        float[] values = new float[Math.toIntExact(v.type().shape().size())];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(Math.max(v.type().bytes(), 1));
            buffer(v).download(0, host.asSlice(0, v.type().bytes()));
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) Elements.get(host, v.type().dtype(), i);
            }
        }
        return values;
    }

    /** Sets a variable from floats, row-major, rounding to its element type. */
    public void set(Variable v, float[] values) {
        if (values.length != v.type().shape().size()) {
            throw new CallerException("state", "wrong number of values", values.length + " for " + v, v.type().shape().size() + " values", "check the initialiser or the file");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(Math.max(v.type().bytes(), 1), 8);
            if (v.type().dtype() == DType.F32) {
                MemorySegment.copy(values, 0, host, ValueLayout.JAVA_FLOAT, 0, values.length);
            } else {
                for (int i = 0; i < values.length; i++) {
                    Elements.set(host, v.type().dtype(), i, values[i]);
                }
            }
            buffer(v).upload(0, host.asSlice(0, v.type().bytes()));
        }
    }

    @Override
    public void close() {
        buffers.values().forEach(Buffer::close);
        buffers.clear();
        names.clear();
    }
}
