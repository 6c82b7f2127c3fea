package dev.jacquard.tensor.op;

import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.List;

/** Optimizer updates: new state from old state and gradient, in place where the plan allows. */
public sealed interface Update extends Composite {
    /**
     * Stochastic gradient descent with momentum in PyTorch's form: {@code g' = g + decay w; v' = momentum v + g'; w' = w - lr v'}, or with
     * Nesterov's look-ahead {@code w' = w - lr (g' + momentum v')}. Inputs w, v, g of one shape and lr, a scalar; outputs w', v'. A buffer of zeros
     * makes the first step v' = g', as PyTorch's does.
     */
    record SgdMomentum(double momentum, double decay, boolean nesterov) implements Update {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 4);
            Types.same(this, in);
            Types.floating(this, in);
            Types.shape(this, "momentum buffer", in.get(1), in.get(0));
            Types.shape(this, "gradient", in.get(2), in.get(0));
            Types.rank(this, "learning rate", in.get(3), 0, "a scalar");
            return List.of(in.get(0), in.get(1));
        }

        @Override
        public int overwrites(int output) {
            return output;
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, 6 * in.getFirst().shape().size());
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor w = in.get(0);
            Tensor g = decay == 0 ? in.get(2) : in.get(2).add(w.mul(decay));
            Tensor v = in.get(1).mul(momentum).add(g);
            Tensor direction = nesterov ? g.add(v.mul(momentum)) : v;
            return List.of(w.sub(direction.mul(in.get(3))), v);
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        Operand lr = Operand.range(0.01, 0.2);
        return List.of(OpRow.of(SgdMomentum.class, "momentum step",
                Sample.of(new SgdMomentum(0.9, 0, false), Operand.of(7), Operand.of(7), Operand.of(7), lr),
                Sample.of(new SgdMomentum(0.9, 5e-4, false), Operand.of(33, 3, 3, 5), Operand.of(33, 3, 3, 5), Operand.of(33, 3, 3, 5), lr),
                Sample.of(new SgdMomentum(0.875, 1e-4, true), Operand.of(1025), Operand.of(1025), Operand.of(1025), lr))
                .refuses(new SgdMomentum(0.9, 0, false), "gradient has the wrong shape", TensorType.f32(3), TensorType.f32(3), TensorType.f32(4), TensorType.f32()));
    }
}
