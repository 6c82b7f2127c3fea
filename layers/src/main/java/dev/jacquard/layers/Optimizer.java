package dev.jacquard.layers;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.op.Update;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How parameters follow their gradients: a rule ({@link Update}), a decay for each parameter ({@link Decay}), and the memory that the rule needs of each, named {@code
 * optimizer.<slot>.<parameter>} and zero at first. It applies ops and writes variables, so the update is part of the step's graph.
 *
 * {@snippet :
 * Optimizer sgd = new Optimizer(new Update.SgdMomentum(0.9, 5e-4, true), Decay.WEIGHTS, model);
 * sgd.update(builder, model.parameters(), gradients, Scalars.of(builder.input("lr", TensorType.f32())));
 * }
 */
public final class Optimizer {
    private final Update.Rule rule;
    private final Map<Variable, Double> decays;
    private final Map<Variable, List<Variable>> slots = new LinkedHashMap<>();
    private final MovingAverage averages = new MovingAverage();

    /**
     * What differs from step to step, all of it values on the device, so that a recorded step need not be made anew.
     *
     * @param lr learning rate, of the parameters' element type, ()
     * @param step number of updates including this one, I32 (); null if the rule needs none (only Adam does)
     * @param averageDecay share that averages keep of themselves, of the parameters' element type, (); null for no averages
     * @param skip I32 (): anything but 0 leaves parameters, slots and averages as they are, bit for bit; null if no step is ever skipped
     */
    public record Scalars(Tensor lr, Tensor step, Tensor averageDecay, Tensor skip) {
        /** A learning rate and nothing else. */
        public static Scalars of(Tensor lr) {
            return new Scalars(lr, null, null, null);
        }

        /** The same with the number of updates. */
        public Scalars step(Tensor number) {
            return new Scalars(lr, number, averageDecay, skip);
        }

        /** The same with averages. */
        public Scalars averageDecay(Tensor decay) {
            return new Scalars(lr, step, decay, skip);
        }

        /** The same with a flag that skips the step. */
        public Scalars skip(Tensor flag) {
            return new Scalars(lr, step, averageDecay, flag);
        }

        private Tensor get(Update.Scalar which) {
            Tensor t = switch (which) {
                case LEARNING_RATE -> lr;
                case STEP -> step;
                case AVERAGE_DECAY -> averageDecay;
                case KEEP -> null; // of sums, which are no optimizer's
                case SKIP -> skip;
            };
            if (t == null) {
                throw new CallerException("optimizer", "scalar missing", "no " + which, "a scalar tensor", "pass it in Scalars: the rule needs it");
            }
            return t;
        }
    }

    /** An optimizer that decays every parameter by the rule's decay, PyTorch's default. */
    public Optimizer(Update.Rule rule) {
        this(rule, Map.of());
    }

    /**
     * An optimizer with decay groups.
     *
     * @param rule how one parameter moves; its decay is that of the decaying parameters
     * @param decay which parameters decay, and by how much of it
     * @param model whose parameters they are
     */
    public Optimizer(Update.Rule rule, Decay decay, Module model) {
        this(rule, decay.factors(model));
    }

    private Optimizer(Update.Rule rule, Map<Variable, Double> factors) {
        if (rule instanceof Update.ExtendedUpdate) {
            throw new CallerException("optimizer", "rule is extended already", rule.toString(), "a plain rule", "pass averages and the skip flag as Scalars");
        }
        this.rule = rule;
        this.decays = new LinkedHashMap<>();
        factors.forEach((v, f) -> decays.put(v, f * rule.decay()));
    }

    /** How one parameter moves. */
    public Update.Rule rule() {
        return rule;
    }

    /** Whether the rule needs the number of updates, {@link Scalars#step}. */
    public boolean needsStep() {
        return rule.scalars().contains(Update.Scalar.STEP);
    }

    /** One update by a rule that needs a learning rate only; see {@link #update(Context, List, List, Scalars)}. */
    public void update(Context context, List<Variable> parameters, List<Tensor> gradients, Tensor lr) {
        update(context, parameters, gradients, Scalars.of(lr));
    }

    /**
     * Applies one update, and moves the parameters' averages if there is a decay for them. What is not a parameter, such as running statistics, is averaged by {@link
     * #averages()} after it.
     *
     * @param context where the gradients were computed
     * @param parameters what to change
     * @param gradients for each parameter the loss's gradient, of its type or a narrower one
     * @param scalars what the rule needs, and what extends it
     */
    public void update(Context context, List<Variable> parameters, List<Tensor> gradients, Scalars scalars) {
        if (parameters.size() != gradients.size()) {
            throw new CallerException("optimizer", "not a gradient for each parameter", gradients.size() + " for " + parameters.size(), "as many",
                    "pass the result of Gradients.of for these parameters");
        }
        try (Context.Label _ = context.label("optimizer")) {
            for (int i = 0; i < parameters.size(); i++) {
                update(context, parameters.get(i), gradients.get(i), scalars);
            }
        }
    }

    private void update(Context context, Variable w, Tensor gradient, Scalars scalars) {
        Update.Rule own = extended(rule.withDecay(decay(w)), scalars);
        List<Variable> states = new ArrayList<>(List.of(w));
        states.addAll(slots.computeIfAbsent(w, this::slots));
        if (scalars.averageDecay != null) {
            states.add(averages.of(w));
        }
        List<Tensor> in = new ArrayList<>(states.stream().map(context::read).toList());
        in.add(gradient);
        own.scalars().forEach(s -> in.add(scalars.get(s)));
        try (Context.Label _ = context.label(w.name())) {
            List<Tensor> next = context.apply(own, in);
            for (int i = 0; i < next.size(); i++) {
                context.write(states.get(i), next.get(i));
            }
        }
    }

    private static Update.Rule extended(Update.Rule plain, Scalars s) {
        boolean average = s.averageDecay != null;
        boolean skip = s.skip != null;
        return average || skip ? new Update.ExtendedUpdate(plain, average, skip) : plain;
    }

    /** Decay of a parameter, the rule's factor included. */
    public double decay(Variable parameter) {
        return decays.getOrDefault(parameter, rule.decay());
    }

    private List<Variable> slots(Variable w) {
        return rule.slots().stream().map(slot -> new Variable(() -> "optimizer." + slot + "." + w.name(), w.type(), Variable.Role.SLOT, Initializer.ZEROS)).toList();
    }

    /** The averages, of parameters by {@link #update} and of whatever else they were asked for. */
    public MovingAverage averages() {
        return averages;
    }

    /** The optimizer's memory, made at the first update and used again by later ones: the rule's slots of each parameter, then all averages. */
    public List<Variable> slots() {
        List<Variable> all = new ArrayList<>();
        slots.values().forEach(all::addAll);
        all.addAll(averages.variables().values());
        return List.copyOf(all);
    }
}
