package dev.jacquard.tensor;

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
        SLOT
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

    public TensorType type() {
        return type;
    }

    public Role role() {
        return role;
    }

    /** Makes the first value. */
    public Initializer initializer() {
        return initializer;
    }

    /** {@code layer1.0.conv1.weight: f32(64, 1, 1, 64)}. */
    @Override
    public String toString() {
        return name() + ": " + type;
    }
}
