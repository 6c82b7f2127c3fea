package dev.jacquard.mixedprecision;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.op.LossScaling;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * A loss scale at work in the graph of a training step (Micikevicius et al. 2018, arXiv:1710.03740). The scale and its counters are variables, so that a step finds out on the
 * device whether its gradients are good, skips the update if they are not ({@link GuardUpdates}) and changes the scale, while the host knows nothing of it; and so that checkpoints
 * have them.
 *
 * <p>In the order of PyTorch's {@code GradScaler}: gradients of the scaled loss ({@link #cotangent}), their sums where several steps make an update, {@link #unscale}, clipping,
 * the update, {@link #follow}.
 *
 * {@snippet :
 * LossScaler scaler = new LossScaler(LossScale.pytorch(), state::variable);
 * List<Tensor> scaled = Gradients.of(loss, scaler.cotangent(builder, 1), parameters);
 * LossScaler.Unscaled u = scaler.unscale(scaled);
 * optimizer.update(builder, variables, u.gradients(), lr);
 * scaler.follow(u.overflow());
 * Graph step = new GuardUpdates(LossScaler.OVERFLOW, scaler.own()).apply(builder.build());
 * }
 */
public final class LossScaler {
    /** Name of the scale's variable, F32 (). */
    public static final String SCALE = "loss_scale";
    /** Name of a step's output, I32 (): not 0 if its gradients were not all finite. */
    public static final String OVERFLOW = "overflow";

    private final LossScale rule;
    private final Variable scale;
    private final Variable streak;
    private final Variable skipped;
    private final Variable updates;
    private final List<Variable> used;

    /**
     * What {@link #unscale} makes.
     *
     * @param gradients F32, as if the loss had not been scaled
     * @param overflow I32 (): not 0 if one of them is infinite or NaN
     */
    public record Unscaled(List<Tensor> gradients, Tensor overflow) {}

    /**
     * How things stand between steps.
     *
     * @param scale what the next step's loss is multiplied by
     * @param skipped updates skipped so far
     */
    public record Reading(double scale, int skipped) {}

    /** A scaler. @param known the variable of a name, where there is one already, of an earlier plan; null where not */
    public LossScaler(LossScale rule, Function<String, Variable> known) {
        this.rule = rule;
        this.scale = variable(known, SCALE, DType.F32, (float) rule.initial());
        this.streak = variable(known, SCALE + ".streak", DType.I32, 0);
        this.skipped = variable(known, SCALE + ".skipped", DType.I32, 0);
        this.updates = variable(known, SCALE + ".updates", DType.I32, 0);
        this.used = new ArrayList<>(List.of(scale, streak, skipped));
    }

    private static Variable variable(Function<String, Variable> known, String name, DType type, float first) {
        Variable there = known.apply(name);
        return there != null ? there : new Variable(() -> name, TensorType.of(type), Variable.Role.SLOT, Initializer.constant(first));
    }

    /** The variables that are used: {@code loss_scale}, {@code loss_scale.streak}, {@code loss_scale.skipped}, and, once it was {@link #counted}, {@code loss_scale.updates}. */
    public List<Variable> variables() {
        return List.copyOf(used);
    }

    /** The variables that a skipped step changes nevertheless; all there may be. */
    public Set<Variable> own() {
        return Set.of(scale, streak, skipped, updates);
    }

    /** What the gradients of the loss begin with: the scale, F32 (). @param parts steps whose gradients are added up for an update, of whose losses the mean is taken */
    public Tensor cotangent(Context c, int parts) {
        Tensor s = c.read(scale);
        return parts == 1 ? s : s.mul(c.fill(s.type(), 1.0 / parts));
    }

    /** Takes the scale out of gradients, or of sums of them, and looks whether all of them are finite. @param scaled F32 or half precision */
    public Unscaled unscale(List<Tensor> scaled) {
        Context c = context(scaled);
        List<Tensor> in = new ArrayList<>(List.of(c.read(scale)));
        in.addAll(scaled);
        List<Tensor> out = c.apply(new LossScaling.Unscale(), in);
        return new Unscaled(List.copyOf(out.subList(1, out.size())), out.getFirst());
    }

    /** Looks whether the gradients of a step that makes no update are finite. @return I32 (): not 0 if not */
    public static Tensor overflow(List<Tensor> scaled) {
        return context(scaled).apply(new LossScaling.NotFinite(), scaled).getFirst();
    }

    private static Context context(List<Tensor> gradients) {
        if (gradients.isEmpty()) {
            throw new CallerException("loss scaling", "nothing to unscale", "no gradients", "one or more", "train a network that has parameters");
        }
        return gradients.getFirst().context();
    }

    /**
     * Number of updates that were made, this one included unless it is skipped, I32 (); for optimizers and averages that count. Once per step. @param overflow of {@link #unscale}
     */
    public Tensor counted(Tensor overflow) {
        Context c = overflow.context();
        if (!used.contains(updates)) {
            used.add(updates);
        }
        Tensor count = c.read(updates).apply(new LossScaling.CountSteps(), overflow);
        c.write(updates, count);
        return count;
    }

    /** Changes scale and counters after an update, or after one that is skipped. @param overflow of {@link #unscale} */
    public void follow(Tensor overflow) {
        Context c = overflow.context();
        LossScaling.UpdateScale change = new LossScaling.UpdateScale(rule.growth(), rule.interval(), rule.backoff(), rule.patience(), rule.minimum());
        List<Tensor> next = c.read(scale).applyAll(change, c.read(streak), overflow);
        c.write(scale, next.get(0));
        c.write(streak, next.get(1));
        c.write(skipped, c.read(skipped).add(overflow));
    }

    /** Reads scale and count off the device, which takes a wait: for logs and errors. @param state that has the variables */
    public Reading read(State state) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(8, 8);
            state.buffer(scale).download(0, host.asSlice(0, 4));
            state.buffer(skipped).download(0, host.asSlice(4, 4));
            return new Reading(host.get(ValueLayout.JAVA_FLOAT, 0), host.get(ValueLayout.JAVA_INT, 4));
        }
    }
}
