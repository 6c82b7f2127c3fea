package dev.jacquard.layers;

import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.State;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Exponential moving averages of variables, {@code ema = d ema + (1 - d) x} with the value that x has after the step. A variable's average is named {@code
 * ema.<variable>} and begins as its copy ({@link #start}). The published systems average the whole state: parameters and running statistics.
 *
 * <p>{@link Optimizer#update} moves the averages of parameters itself, in the pass over memory that moves the parameters.
 */
public final class MovingAverage {
    private final Map<Variable, Variable> averages = new LinkedHashMap<>();

    /** No averages yet. */
    public MovingAverage() {}

    /**
     * The decay after warm-up's beginning: {@code min(d, (1 + t) / (10 + t))}, so that the first values do not stay for long. In NVIDIA's PyTorch system t counts
     * micro-steps from 0 whether or not they changed a parameter, in TensorFlow's it is the number of updates including this one (the counter is read after it moved).
     */
    public static double warmed(double decay, long t) {
        return Math.min(decay, (1.0 + t) / (10.0 + t));
    }

    /** The same where the device alone knows t. @param t I32 () @return F32 () */
    public static Tensor warmed(double decay, Tensor t) {
        Tensor n = t.cast(DType.F32);
        return n.add(1).div(n.add(10)).apply(new Pointwise.Min(), n.context().fill(n.type(), decay));
    }

    /** A variable's average; made when it is first asked for. */
    public Variable of(Variable v) {
        return averages.computeIfAbsent(v, x -> new Variable(() -> "ema." + x.name(), x.type(), Variable.Role.SLOT, Initializer.ZEROS));
    }

    /** Each averaged variable's average, in the order they were made. */
    public Map<Variable, Variable> variables() {
        return Collections.unmodifiableMap(averages);
    }

    /**
     * Moves averages towards the values that variables have at the step's end; call it after what writes them.
     *
     * @param context where they are written
     * @param variables what is averaged, all of one element type
     * @param decay share that an average keeps of itself, of that element type, ()
     * @param skip I32 (): anything but 0 leaves the averages as they are; or null
     */
    public void update(Context context, Collection<Variable> variables, Tensor decay, Tensor skip) {
        Update.Rule rule = skip == null ? new Update.Average() : new Update.ExtendedUpdate(new Update.Average(), false, true);
        try (Context.Label _ = context.label("ema")) {
            for (Variable v : variables) {
                List<Tensor> in = new ArrayList<>(List.of(context.read(of(v)), context.next(v), decay));
                if (skip != null) {
                    in.add(skip);
                }
                try (Context.Label _ = context.label(v.name())) {
                    context.write(of(v), context.apply(rule, in).getFirst());
                }
            }
        }
    }

    /** Puts every average into a state as a copy of its variable's value there; those that are in it already, from an earlier plan or a checkpoint, are set too. */
    public void start(State state) {
        state.reserve(averages.values());
        averages.forEach((v, average) -> state.set(average, state.get(v)));
    }
}
