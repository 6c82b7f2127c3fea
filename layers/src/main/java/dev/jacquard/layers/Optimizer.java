package dev.jacquard.layers;

import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.Variable;
import java.util.List;

/** A rule by which parameters follow their gradients. It applies ops and writes variables, so the update is part of the step's graph. */
public interface Optimizer {
    /**
     * Applies one update.
     *
     * @param context where the gradients were computed
     * @param parameters what to change
     * @param gradients for each parameter the loss's gradient, of its type
     * @param lr learning rate, F32 ()
     */
    void update(Context context, List<Variable> parameters, List<Tensor> gradients, Tensor lr);

    /** The optimizer's memory: a variable per parameter and slot, made at the first update and used again by later ones. */
    List<Variable> slots();

    /** Which parameters decay. */
    @FunctionalInterface
    interface DecayRule {
        /** All of them, PyTorch's default. */
        DecayRule ALL = parameter -> true;
        /** Matrices and kernels only: neither biases nor the weights of normalisations, which are the parameters of rank 1. */
        DecayRule WEIGHTS = parameter -> parameter.type().shape().rank() > 1;

        /** Whether a parameter decays. */
        boolean decays(Variable parameter);
    }
}
