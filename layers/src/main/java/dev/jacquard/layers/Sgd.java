package dev.jacquard.layers;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.op.Update;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Stochastic gradient descent with momentum in PyTorch's form: {@code g' = g + decay w; v' = momentum v + g'; w' = w - lr v'}, with Nesterov's look-ahead
 * {@code w' = w - lr (g' + momentum v')}. The buffer v, named {@code optimizer.momentum.<parameter>}, begins as zeros.
 */
public final class Sgd implements Optimizer {
    private final double momentum;
    private final double weightDecay;
    private final boolean nesterov;
    private final DecayRule rule;
    private final Map<Variable, Variable> slots = new LinkedHashMap<>();

    /**
     * The rule.
     *
     * @param momentum share of the old direction, in [0, 1)
     * @param weightDecay coupled L2 decay, added to the gradient
     * @param nesterov whether to look ahead
     * @param rule which parameters decay
     */
    public Sgd(double momentum, double weightDecay, boolean nesterov, DecayRule rule) {
        if (!(momentum >= 0 && momentum < 1) || !(weightDecay >= 0)) {
            throw new CallerException("sgd", "momentum or weight decay out of range", momentum + " and " + weightDecay, "momentum in [0, 1), decay of 0 or more", "0.9 and 5e-5 are usual");
        }
        this.momentum = momentum;
        this.weightDecay = weightDecay;
        this.nesterov = nesterov;
        this.rule = rule;
    }

    @Override
    public void update(Context context, List<Variable> parameters, List<Tensor> gradients, Tensor lr) {
        if (parameters.size() != gradients.size()) {
            throw new CallerException("sgd", "not a gradient for each parameter", gradients.size() + " for " + parameters.size(), "as many", "pass the result of Gradients.of for these parameters");
        }
        try (Context.Label _ = context.label("optimizer")) {
            for (int i = 0; i < parameters.size(); i++) {
                update(context, parameters.get(i), gradients.get(i), lr);
            }
        }
    }

    private void update(Context context, Variable w, Tensor gradient, Tensor lr) {
        Variable v = slots.computeIfAbsent(w, p -> new Variable(() -> "optimizer.momentum." + p.name(), p.type(), Variable.Role.SLOT, Initializer.ZEROS));
        Update op = new Update.SgdMomentum(momentum, rule.decays(w) ? weightDecay : 0, nesterov);
        try (Context.Label _ = context.label(w.name())) {
            List<Tensor> next = context.read(w).applyAll(op, context.read(v), gradient, lr);
            context.write(w, next.get(0));
            context.write(v, next.get(1));
        }
    }

    @Override
    public List<Variable> slots() {
        return List.copyOf(slots.values());
    }
}
