package dev.jacquard.tensor.op;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;

/** Optimizer updates: new state from old state and gradient, in place where the plan allows. */
public sealed interface Update extends Composite {
    /** What changes from step to step but not from parameter to parameter: scalar operands, so that a recorded step need not be made anew. */
    enum Scalar {
        /** Of the parameters' element type. */
        LEARNING_RATE("learning rate", false),
        /** Number of updates including this one, I32. */
        STEP("step", true),
        /** Share that an average keeps of itself, of the parameters' element type. */
        AVERAGE_DECAY("average's decay", false),
        /** 0 if the first of several gradients overwrites their sum, anything else if it is added; of the sum's element type. */
        KEEP("keep", false),
        /** I32: anything but 0 leaves all state as it is, bit for bit. */
        SKIP("skip flag", true);

        private final String label;
        private final boolean integer;

        Scalar(String label, boolean integer) {
            this.label = label;
            this.integer = integer;
        }
    }

    /**
     * The update of one parameter. Inputs: the states, the parameter first; the gradient; the scalars. Outputs: the new states. States and gradient have one shape. States are F32,
     * or F64 where gradients are checked: what moves by a thousandth of itself does not move in half precision. The gradient may be {@link #narrow narrower}, and is widened as it
     * is read.
     */
    sealed interface Rule extends Update {
        /** What the states after the parameter are, in order: the optimizer's memory of it. */
        List<String> slots();

        /** Number of state tensors, the parameter among them. */
        default int states() {
            return 1 + slots().size();
        }

        /** The scalar operands in order. */
        List<Scalar> scalars();

        /** Weight decay. */
        double decay();

        /** The same rule with another decay. */
        Rule withDecay(double other);

        /** The same rule without decay. */
        default Rule undecayed() {
            return withDecay(0);
        }

        /** The one attribute in which the parts of a {@link FusedUpdate} may differ: the decay, or what the rule names instead. */
        default double coefficient() {
            return decay();
        }

        /** What the parts of a {@link FusedUpdate} agree on: this rule with a coefficient that is the same for all. */
        default Rule common() {
            return undecayed();
        }

        /** States and scalars. */
        @Override
        default boolean wide(int input) {
            return input != states();
        }

        /** The gradient. */
        @Override
        default boolean narrow(int input) {
            return input == states();
        }

        @Override
        default List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, states() + 1 + scalars().size());
            TensorType w = in.getFirst();
            List<TensorType> tensors = in.subList(0, states() + 1);
            Types.same(this, in.subList(0, states()));
            Types.floating(this, tensors);
            Types.dtype(this, "parameter", w, w.dtype().wide());
            Types.narrower(this, "gradient", tensors.getLast(), w.dtype());
            for (int i = 1; i < tensors.size(); i++) {
                Types.shape(this, i < states() ? "state " + i : "gradient", tensors.get(i), w);
            }
            for (int i = 0; i < scalars().size(); i++) {
                Scalar s = scalars().get(i);
                TensorType t = in.get(states() + 1 + i);
                Types.rank(this, s.label, t, 0, "a scalar");
                Types.dtype(this, s.label, t, s.integer ? DType.I32 : w.dtype());
            }
            return in.subList(0, states());
        }

        @Override
        default int overwrites(int output) {
            return output;
        }

        @Override
        default Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, 5L * states() * in.getFirst().shape().size());
        }
    }

    /** A rule for what is no parameter: it has no slots, and nothing is pulled to 0. */
    sealed interface Undecayed extends Rule {
        @Override
        default List<String> slots() {
            return List.of();
        }

        @Override
        default double decay() {
            return 0;
        }

        @Override
        default Rule withDecay(double other) {
            return this;
        }
    }

    /** Whether a share is one: in [0, 1). */
    private static boolean share(double x) {
        return x >= 0 && x < 1;
    }

    /** Refuses what no optimizer is made of. */
    private static void require(boolean holds, String op, Object rule, String want) {
        if (!holds) {
            throw new CallerException(op, "attribute out of range", rule.toString(), want, "check the optimizer's settings");
        }
    }

    /** The gradient in the parameter's element type, with its decay. */
    private static Tensor decayed(Tensor gradient, Tensor w, double decay) {
        Tensor wide = gradient.cast(w.dtype());
        return decay == 0 ? wide : wide.add(w.mul(decay));
    }

    /** Stochastic gradient descent without memory: {@code w' = w - lr (g + decay w)}. Inputs w, g of one shape and lr; output w'. */
    record Sgd(double decay) implements Rule {
        /** Checks the range. @throws CallerException if the decay is negative */
        public Sgd {
            require(decay >= 0, "sgd", decay, "a decay of 0 or more");
        }

        @Override
        public List<String> slots() {
            return List.of();
        }

        @Override
        public List<Scalar> scalars() {
            return List.of(Scalar.LEARNING_RATE);
        }

        @Override
        public Rule withDecay(double other) {
            return new Sgd(other);
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return List.of(in.get(0).sub(decayed(in.get(1), in.get(0), decay).mul(in.get(2))));
        }
    }

    /**
     * A moving average of something else, {@code a' = d a + (1 - d) gain x}, as a rule, so that hundreds of them go in one launch. Inputs a, x of one shape and d, a
     * scalar; output a'. The gain is what parts may differ in: by it running variances, which are averages of unbiased ones, move together with running means.
     */
    record Average(double gain) implements Undecayed {
        /** Checks the range. @throws CallerException if the gain is negative or not finite */
        public Average {
            require(gain >= 0 && gain < Double.POSITIVE_INFINITY, "average", gain, "a finite gain of 0 or more");
        }

        /** Without a gain: that is, of 1. */
        public Average() {
            this(1);
        }

        @Override
        public List<Scalar> scalars() {
            return List.of(Scalar.AVERAGE_DECAY);
        }

        /** The gain. */
        @Override
        public double coefficient() {
            return gain;
        }

        @Override
        public Rule common() {
            return new Average();
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor x = in.get(1).cast(in.get(0).dtype());
            return List.of(averaged(in.get(0), gain == 1 ? x : x.mul(gain), in.get(2)));
        }
    }

    /**
     * A sum of the gradients of several steps: {@code sum' = sum + g}, or {@code sum' = g} if keep is 0, whatever the sum is then, NaN and infinities of an earlier update that was
     * skipped included. Inputs sum, g of one shape and keep, a scalar; output sum'.
     */
    record Accumulate() implements Undecayed {
        @Override
        public List<Scalar> scalars() {
            return List.of(Scalar.KEEP);
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor sum = in.get(0);
            Tensor g = in.get(1).cast(sum.dtype());
            return List.of(in.get(2).apply(new Pointwise.Select(), sum.add(g), g));
        }
    }

    private static Tensor averaged(Tensor average, Tensor value, Tensor d) {
        return average.mul(d).add(value.mul(d.rsub(1)));
    }

    /**
     * Stochastic gradient descent with momentum, with {@code g' = g + decay w}. PyTorch's form has the learning rate outside of the buffer: {@code v' = momentum v + g';
     * w' = w - lr v'}, or with Nesterov's look-ahead {@code w' = w - lr (g' + momentum v')}; a buffer of zeros makes the first step v' = g', as PyTorch's does. Paddle's
     * Momentum is the same formula, with the look-ahead and without. Keras's form has it inside, so that a change of the rate acts on what is collected from then on only:
     * {@code v' = momentum v - lr g'; w' = w + v'}, or {@code w' = w + momentum v' - lr g'}. Inputs w, v, g of one shape and lr, a scalar; outputs w', v'.
     */
    record SgdMomentum(double momentum, double decay, boolean nesterov, Form form) implements Rule {
        /** Whose definition. */
        public enum Form {
            /** Learning rate outside of the buffer. */
            PYTORCH,
            /** Learning rate inside of the buffer. */
            KERAS
        }

        /** Checks the ranges. @throws CallerException if the momentum is no share or the decay negative */
        public SgdMomentum {
            require(share(momentum) && decay >= 0, "sgd_momentum", momentum + " and " + decay, "momentum in [0, 1), decay of 0 or more");
        }

        /** PyTorch's form. */
        public SgdMomentum(double momentum, double decay, boolean nesterov) {
            this(momentum, decay, nesterov, Form.PYTORCH);
        }

        @Override
        public List<String> slots() {
            return List.of("momentum");
        }

        @Override
        public List<Scalar> scalars() {
            return List.of(Scalar.LEARNING_RATE);
        }

        @Override
        public Rule withDecay(double other) {
            return new SgdMomentum(momentum, other, nesterov, form);
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor w = in.get(0);
            Tensor lr = in.get(3);
            Tensor g = decayed(in.get(2), w, decay);
            Tensor step = form == Form.KERAS ? g.mul(lr).neg() : g;
            Tensor v = in.get(1).mul(momentum).add(step);
            Tensor direction = nesterov ? step.add(v.mul(momentum)) : v;
            return List.of(form == Form.KERAS ? w.add(direction) : w.sub(direction.mul(lr)), v);
        }
    }

    /**
     * RMSprop with momentum. Inputs w, s (mean square), b (momentum), g and lr; outputs w', s', b'. With {@code g' = g + decay w} and
     * {@code s' = alpha s + (1 - alpha) g'^2}, PyTorch's form is {@code b' = momentum b + g' / (sqrt(s') + eps); w' = w - lr b'}, TensorFlow's has eps inside of
     * the root and the learning rate inside of the buffer: {@code b' = momentum b + lr g' / sqrt(s' + eps); w' = w - b'}.
     */
    record RmsProp(double alpha, double eps, double momentum, double decay, Form form) implements Rule {
        /** Whose definition. */
        public enum Form {
            /** eps outside of the root, learning rate outside of the buffer. */
            PYTORCH,
            /** eps inside of the root, learning rate inside of the buffer. */
            TENSORFLOW
        }

        /** Checks the ranges. @throws CallerException if a share is none, or eps or the decay negative */
        public RmsProp {
            require(share(alpha) && share(momentum) && eps >= 0 && decay >= 0, "rms_prop", List.of(alpha, momentum, eps, decay),
                    "alpha and momentum in [0, 1), eps and decay of 0 or more");
        }

        @Override
        public List<String> slots() {
            return List.of("square_average", "momentum");
        }

        @Override
        public List<Scalar> scalars() {
            return List.of(Scalar.LEARNING_RATE);
        }

        @Override
        public Rule withDecay(double other) {
            return new RmsProp(alpha, eps, momentum, other, form);
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor w = in.get(0);
            Tensor lr = in.get(4);
            Tensor g = decayed(in.get(3), w, decay);
            Tensor s = in.get(1).mul(alpha).add(g.square().mul(1 - alpha));
            Tensor kept = in.get(2).mul(momentum);
            Tensor b = switch (form) {
                case PYTORCH -> kept.add(g.div(s.sqrt().add(eps)));
                case TENSORFLOW -> kept.add(g.mul(lr).div(s.add(eps).sqrt()));
            };
            return List.of(w.sub(form == Form.PYTORCH ? b.mul(lr) : b), s, b);
        }
    }

    /**
     * Adam (Kingma and Ba 2015, arXiv:1412.6980) in PyTorch's form, or AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) if the decay is decoupled. Inputs w,
     * m, v, g, lr and the step t, I32 from 1; outputs w', m', v'. {@code m' = beta1 m + (1 - beta1) g'; v' = beta2 v + (1 - beta2) g'^2;
     * w' = w'' - lr / (1 - beta1^t) m' / (sqrt(v' / (1 - beta2^t)) + eps)}, where {@code g' = g + decay w, w'' = w}, or decoupled {@code g' = g, w'' = w - lr decay w}.
     */
    record Adam(double beta1, double beta2, double eps, double decay, boolean decoupled) implements Rule {
        /** Checks the ranges. @throws CallerException if a beta is not between 0 and 1, or eps or the decay negative */
        public Adam {
            require(beta1 > 0 && beta1 < 1 && beta2 > 0 && beta2 < 1 && eps >= 0 && decay >= 0, "adam", List.of(beta1, beta2, eps, decay),
                    "betas in (0, 1), eps and decay of 0 or more");
        }

        @Override
        public List<String> slots() {
            return List.of("first_moment", "second_moment");
        }

        @Override
        public List<Scalar> scalars() {
            return List.of(Scalar.LEARNING_RATE, Scalar.STEP);
        }

        @Override
        public Rule withDecay(double other) {
            return new Adam(beta1, beta2, eps, other, decoupled);
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor w = in.get(0);
            Tensor lr = in.get(4);
            Tensor step = in.get(5).cast(w.dtype());
            Tensor g = decayed(in.get(3), w, decoupled ? 0 : decay);
            Tensor kept = decoupled && decay != 0 ? w.sub(w.mul(lr.mul(decay))) : w;
            Tensor m = in.get(1).mul(beta1).add(g.mul(1 - beta1));
            Tensor v = in.get(2).mul(beta2).add(g.square().mul(1 - beta2));
            Tensor size = v.sqrt().div(bias(step, beta2).sqrt()).add(eps);
            return List.of(kept.sub(m.div(size).mul(lr.div(bias(step, beta1)))), m, v);
        }

        /** {@code 1 - beta^t} as {@code 2 h / (1 + h), h = tanh(-t ln(beta) / 2)}: the plain form cancels where beta^t is near 1, which it is at the first steps. */
        private static Tensor bias(Tensor step, double beta) {
            Tensor h = step.mul(-0.5 * Math.log(beta)).apply(new Pointwise.Tanh());
            return h.mul(2).div(h.add(1));
        }
    }

    /**
     * A rule with a moving average of the parameter, {@code a' = d a + (1 - d) w'}, or with a flag that skips it, or both. Inputs: the rule's states, then the
     * average; the gradient; the rule's scalars, then the average's decay d, then the flag.
     */
    record ExtendedUpdate(Rule rule, boolean average, boolean skip) implements Rule {
        /** Extensions do not nest, and averages and sums have no average. @throws CallerException if the rule is an extension, or an average or a sum that is to have one */
        public ExtendedUpdate {
            if (rule instanceof ExtendedUpdate || average && (rule instanceof Average || rule instanceof Accumulate)) {
                throw new CallerException("extended_update", "extensions do not nest", rule.toString(), "a plain rule", "extend the plain rule once");
            }
        }

        @Override
        public List<String> slots() {
            List<String> all = new ArrayList<>(rule.slots());
            if (average) {
                all.add("average");
            }
            return List.copyOf(all);
        }

        @Override
        public List<Scalar> scalars() {
            List<Scalar> all = new ArrayList<>(rule.scalars());
            if (average) {
                all.add(Scalar.AVERAGE_DECAY);
            }
            if (skip) {
                all.add(Scalar.SKIP);
            }
            return List.copyOf(all);
        }

        @Override
        public double decay() {
            return rule.decay();
        }

        @Override
        public Rule withDecay(double other) {
            return new ExtendedUpdate(rule.withDecay(other), average, skip);
        }

        @Override
        public double coefficient() {
            return rule.coefficient();
        }

        @Override
        public Rule common() {
            return new ExtendedUpdate(rule.common(), average, skip);
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            List<Tensor> own = new ArrayList<>(in.subList(0, rule.states()));
            own.addAll(in.subList(states(), states() + 1 + rule.scalars().size())); // the gradient and the rule's scalars
            List<Tensor> next = new ArrayList<>(in.getFirst().context().apply(rule, own));
            if (average) {
                Tensor d = in.get(states() + 1 + scalars().indexOf(Scalar.AVERAGE_DECAY));
                next.add(averaged(in.get(rule.states()), next.getFirst(), d));
            }
            if (skip) {
                Tensor flag = in.getLast().cast(in.getFirst().dtype());
                for (int i = 0; i < next.size(); i++) {
                    next.set(i, flag.apply(new Pointwise.Select(), in.get(i), next.get(i)));
                }
            }
            return List.copyOf(next);
        }
    }

    /**
     * Many parameters at once, by rules that differ at most in their {@link Rule#coefficient coefficient}. Inputs: for each part its states and its gradient, then the scalars,
     * once. Outputs: the new states, part after part.
     */
    record FusedUpdate(List<Rule> parts) implements Update {
        /** Checks that the rules agree. @throws CallerException if they do not, or if there is none */
        public FusedUpdate {
            parts = List.copyOf(parts);
            if (parts.stream().map(Rule::common).distinct().count() != 1) {
                throw new CallerException("fused_update", "rules differ in more than their coefficient", parts.toString(), "one rule", "fuse updates of equal rules");
            }
        }

        /** What the parts agree on. */
        public Rule rule() {
            return parts.getFirst();
        }

        /** Position of the first scalar among the inputs. */
        public int firstScalar() {
            return parts.size() * (rule().states() + 1);
        }

        /** States and scalars. */
        @Override
        public boolean wide(int input) {
            return !narrow(input);
        }

        /** Gradients. */
        @Override
        public boolean narrow(int input) {
            return input < firstScalar() && rule().narrow(input % (rule().states() + 1));
        }

        private <T> List<T> part(int i, List<T> in) {
            int each = rule().states() + 1;
            List<T> own = new ArrayList<>(in.subList(i * each, (i + 1) * each));
            own.addAll(in.subList(firstScalar(), in.size()));
            return own;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, firstScalar() + rule().scalars().size());
            List<TensorType> out = new ArrayList<>();
            for (int i = 0; i < parts.size(); i++) {
                out.addAll(parts.get(i).infer(part(i, in)));
            }
            return List.copyOf(out);
        }

        @Override
        public int overwrites(int output) {
            return output + output / rule().states();
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, out.stream().mapToLong(t -> 5 * t.shape().size()).sum());
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            List<Tensor> out = new ArrayList<>();
            for (int i = 0; i < parts.size(); i++) {
                out.addAll(in.getFirst().context().apply(parts.get(i), part(i, in)));
            }
            return List.copyOf(out);
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        return UpdateSamples.rows();
    }
}
