package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.UpdateLoop;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.op.Update.Adam;
import dev.jacquard.tensor.op.Update.SgdMomentum;

/** Optimizers' rules as emitted loops: what is the same for all elements of a step is computed here and passed to {@link UpdateCode}. */
final class EmittedUpdate {
    private EmittedUpdate() {}

    /** The loop of a rule that is not extended. */
    static UpdateLoop of(Update.Rule rule, InstructionSet set) {
        Kernel k = Kernel.of(new UpdateCode(set, rule.common()));
        return switch (rule) {
            case Update.Average _ -> (w, _, _, x, n, gain, keep, _) -> run(k, w, 0, 0, x, n, keep, (1 - keep) * gain, 0, 0);
            case Update.Accumulate _ -> {
                Kernel copy = Kernel.of(new CopyCode(set, CopyCode.Kind.ROWS));
                yield (sum, _, _, g, n, _, keep, _) -> {
                    if (keep != 0) {
                        run(k, sum, 0, 0, g, n, 0, 0, 0, 0);
                    } else if (n > 0) {
                        copy.run(1, n, g, 0, sum, 0);
                    }
                };
            }
            case SgdMomentum r -> {
                boolean keras = r.form() == SgdMomentum.Form.KERAS;
                boolean nesterov = r.nesterov();
                float momentum = (float) r.momentum();
                yield (w, v, _, g, n, decay, rate, _) -> {
                    float outside = keras ? 1 : -rate;
                    run(k, w, v, 0, g, n, decay, keras ? -rate : 1, nesterov ? outside : 0, nesterov ? outside * momentum : outside);
                };
            }
            case Update.RmsProp r when r.form() == Update.RmsProp.Form.TENSORFLOW -> (w, s, b, g, n, decay, rate, _) -> run(k, w, s, b, g, n, decay, rate, 0, 0);
            case Update.Sgd _, Update.RmsProp _ -> (w, s, b, g, n, decay, rate, _) -> run(k, w, s, b, g, n, decay, -rate, 0, 0);
            case Adam r -> (w, m, v, g, n, decay, rate, step) -> run(k, w, m, v, g, n, r.decoupled() ? 0 : decay, r.decoupled() ? -rate * decay : 0,
                    (float) (-rate / UpdateLoop.bias(r.beta1(), step)), (float) (1 / Math.sqrt(UpdateLoop.bias(r.beta2(), step))));
            case Update.ExtendedUpdate e -> throw new AssertionError(e);
        };
    }

    private static void run(Kernel k, long w, long first, long second, long g, long n, float f0, float f1, float f2, float f3) {
        long ignored = k.call(w, first, second, g, n, Float.floatToRawIntBits(f0), Float.floatToRawIntBits(f1), Float.floatToRawIntBits(f2), Float.floatToRawIntBits(f3), 0);
    }
}
