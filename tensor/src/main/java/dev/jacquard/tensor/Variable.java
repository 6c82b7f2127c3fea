package dev.jacquard.tensor;

import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;

/**
 * A named piece of state that outlives a step: a parameter, a running statistic, an optimizer's slot, a counter. A variable is only
 * the name and the type; its value lives in a {@link dev.jacquard.tensor.plan.State} or a {@link Scope}. Identity is the object's.
 */
public final class Variable {
    /** What a variable is to training. */
    public enum Role {
        /** Learnt by gradients. */
        PARAMETER,
        /** Measured on the way, such as running means; saved with the weights. */
        STATISTIC,
        /** An optimizer's memory; saved in checkpoints only. */
        SLOT,
        /** Computed from other variables so that steps need not; never saved. */
        DERIVED
    }

    private final Supplier<String> name;
    private final TensorType type;
    private final Role role;
    private final Initializer initializer;

    /**
     * A variable.
     *
     * @param name its path, such as {@code layer1.0.conv1.weight}; asked when needed, since a module learns its place after its birth
     * @param type element type and shape
     * @param role what it is to training
     * @param initializer its first value
     */
    public Variable(Supplier<String> name, TensorType type, Role role, Initializer initializer) {
        this.name = name;
        this.type = type;
        this.role = role;
        this.initializer = initializer;
    }

    /** The path. */
    public String name() {
        return name.get();
    }

    /** Element type and shape. */
    public TensorType type() {
        return type;
    }

    /** What it is to training. */
    public Role role() {
        return role;
    }

    /** The first value, row-major: a function of the seed, the name and the shape. */
    public float[] initialValues(long seed) {
        return initializer.values(type.shape(), seed ^ hash(name()));
    }

    /** FNV-1a, 64 bit: stable across machines and versions, as resuming needs. */
    private static long hash(String name) {
        long h = 0xcbf29ce484222325L;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            h = (h ^ (b & 0xff)) * 0x100000001b3L;
        }
        return h;
    }

    /** {@code layer1.0.conv1.weight: f32(64, 1, 1, 64)}. */
    @Override
    public String toString() {
        return name() + ": " + type;
    }
}
