package dev.jacquard.layers;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A part of a model: named variables, named parts, and a function of one tensor. A variable's name is the path to it from the root, joined by dots, as
 * PyTorch's {@code state_dict} has it: {@code layer1.0.conv1.weight}.
 *
 * <p>A module holds no values, those are in a {@link dev.jacquard.tensor.plan.State} or a scope, and no mode: whether it behaves as in training is the
 * context's word. It registers everything in its constructor and is immutable afterwards, so that any number of graphs may be traced from it.
 *
 * {@snippet :
 * final class Block extends Module {
 *     private final Conv2d conv = child("conv", new Conv2d(Conv2d.Config.of(64, 64, 3)));
 *     private final BatchNorm2d bn = child("bn", new BatchNorm2d(64));
 *
 *     protected Tensor forward(Tensor x) { // (N, H, W, 64) to the same
 *         return bn.apply(conv.apply(x)).relu().add(x);
 *     }
 * }
 * }
 */
public abstract class Module {
    private final Map<String, Variable> own = new LinkedHashMap<>();
    private final Map<String, Module> children = new LinkedHashMap<>();
    private Module parent;
    private String name = "";

    /** A module without variables and children; constructors of subclasses register them. */
    protected Module() {}

    /** The function; called through {@link #apply}. */
    protected abstract Tensor forward(Tensor x);

    /** Applies this module; what it applies is labelled with its name. */
    public final Tensor apply(Tensor x) {
        try (Context.Label _ = x.context().label(name)) {
            return forward(x);
        }
    }

    /** Registers a part. @return the part */
    protected final <M extends Module> M child(String childName, M module) {
        requireFree(childName);
        Module part = module;
        if (part.parent != null) {
            throw new CallerException("module", "part of two modules", part.path() + " as " + childName, "a part of one module", "make a second instance");
        }
        part.parent = this;
        part.name = childName;
        children.put(childName, part);
        return module;
    }

    /** Registers an F32 variable that is learnt. */
    protected final Variable parameter(String variableName, Shape shape, Initializer initializer) {
        return variable(variableName, shape, Variable.Role.PARAMETER, initializer);
    }

    /** Registers an F32 variable that is measured in training and used in evaluation. */
    protected final Variable statistic(String variableName, Shape shape, Initializer initializer) {
        return variable(variableName, shape, Variable.Role.STATISTIC, initializer);
    }

    private Variable variable(String variableName, Shape shape, Variable.Role role, Initializer initializer) {
        requireFree(variableName);
        Variable v = new Variable(() -> path(variableName), TensorType.f32(shape.dims()), role, initializer);
        own.put(variableName, v);
        return v;
    }

    private void requireFree(String n) {
        if (n.isEmpty() || n.indexOf('.') >= 0) {
            throw new CallerException("module", "not a name", "'" + n + "'", "a name that is not empty and has no dot", "rename it");
        }
        if (own.containsKey(n) || children.containsKey(n)) {
            throw new CallerException("module", "name taken", path(n), "different names", "rename one of them");
        }
    }

    /** Where this module is in the model: {@code layer1.0.conv1}; empty for the root. */
    public final String path() {
        return parent == null ? name : parent.path(name);
    }

    private String path(String member) {
        String here = path();
        return here.isEmpty() ? member : here + "." + member;
    }

    /** The parts by name, in order. */
    public final Map<String, Module> children() {
        return Collections.unmodifiableMap(children);
    }

    /** All variables by their paths, in the order of PyTorch's {@code state_dict}: a module's own first, then those of its parts. */
    public final Map<String, Variable> variables() {
        Map<String, Variable> all = new LinkedHashMap<>();
        collect(all);
        return Collections.unmodifiableMap(all);
    }

    private void collect(Map<String, Variable> all) {
        own.values().forEach(v -> all.put(v.name(), v));
        children.values().forEach(c -> c.collect(all));
    }

    /** The variables that are learnt, in the order of {@link #variables}. */
    public final List<Variable> parameters() {
        return ofRole(variables().values(), Variable.Role.PARAMETER);
    }

    /** The variables that are measured in training, in the order of {@link #variables}. */
    public final List<Variable> statistics() {
        return ofRole(variables().values(), Variable.Role.STATISTIC);
    }

    private static List<Variable> ofRole(Collection<Variable> variables, Variable.Role role) {
        return variables.stream().filter(v -> v.role() == role).toList();
    }
}
