package dev.jacquard.cpu;

import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.op.Update.RmsProp;
import dev.jacquard.tensor.op.Update.SgdMomentum;

/**
 * The innermost loop of an optimizer's rule, over float32 at native addresses, in place: the parameter, up to two slots (addresses of slots that the rule has not are
 * ignored), the gradient.
 */
@FunctionalInterface
public interface UpdateLoop {
    /**
     * Updates n elements.
     *
     * @param w the parameter
     * @param first its first slot
     * @param second its second slot
     * @param g its gradient
     * @param n number of elements
     * @param coefficient of this parameter: its decay, or an average's gain
     * @param rate the learning rate, of an average the share that it keeps, of a sum 0 if it begins anew
     * @param step number of updates including this one
     */
    void run(long w, long first, long second, long g, long n, float coefficient, float rate, int step);

    /** The rule's meaning an element at a time; also the last elements of vector loops, fewer than a vector holds. @param rule not an extended one */
    static UpdateLoop scalar(Update.Rule rule) {
        return switch (rule) {
            case Update.Sgd _ -> (w, _, _, g, n, decay, rate, _) -> {
                for (long i = 0; i < 4 * n; i += 4) {
                    Raw.set(w + i, Raw.get(w + i) - rate * (Raw.get(g + i) + decay * Raw.get(w + i)));
                }
            };
            case Update.Average _ -> (w, _, _, g, n, gain, rate, _) -> {
                for (long i = 0; i < 4 * n; i += 4) {
                    Raw.set(w + i, rate * Raw.get(w + i) + (1 - rate) * gain * Raw.get(g + i));
                }
            };
            case Update.Accumulate _ -> (w, _, _, g, n, _, keep, _) -> {
                for (long i = 0; i < 4 * n; i += 4) {
                    Raw.set(w + i, keep == 0 ? Raw.get(g + i) : Raw.get(w + i) + Raw.get(g + i));
                }
            };
            case SgdMomentum r -> (w, v, _, g, n, decay, rate, _) -> momentum(r, w, v, g, n, decay, rate);
            case RmsProp r -> (w, s, b, g, n, decay, rate, _) -> rmsProp(r, w, s, b, g, n, decay, rate);
            case Update.Adam r -> (w, m, v, g, n, decay, rate, step) -> adam(r, w, m, v, g, n, decay, rate, step);
            case Update.ExtendedUpdate e -> throw new AssertionError(e);
        };
    }

    private static void momentum(SgdMomentum r, long w, long v, long g, long n, float decay, float rate) {
        boolean keras = r.form() == SgdMomentum.Form.KERAS;
        float m = (float) r.momentum();
        for (long i = 0; i < 4 * n; i += 4) {
            float slope = Raw.get(g + i) + decay * Raw.get(w + i);
            float pull = keras ? -rate * slope : slope;
            float speed = m * Raw.get(v + i) + pull;
            float direction = r.nesterov() ? pull + m * speed : speed;
            Raw.set(v + i, speed);
            Raw.set(w + i, Raw.get(w + i) + (keras ? direction : -rate * direction));
        }
    }

    private static void rmsProp(RmsProp r, long w, long s, long b, long g, long n, float decay, float rate) {
        boolean tensorflow = r.form() == RmsProp.Form.TENSORFLOW;
        float alpha = (float) r.alpha();
        float rest = (float) (1 - r.alpha());
        float eps = (float) r.eps();
        float m = (float) r.momentum();
        for (long i = 0; i < 4 * n; i += 4) {
            float slope = Raw.get(g + i) + decay * Raw.get(w + i);
            float square = alpha * Raw.get(s + i) + rest * (slope * slope);
            float pull = tensorflow ? rate * slope / (float) Math.sqrt(square + eps) : slope / ((float) Math.sqrt(square) + eps);
            float speed = m * Raw.get(b + i) + pull;
            Raw.set(s + i, square);
            Raw.set(b + i, speed);
            Raw.set(w + i, Raw.get(w + i) - (tensorflow ? speed : rate * speed));
        }
    }

    private static void adam(Update.Adam r, long w, long m, long v, long g, long n, float decay, float rate, int step) {
        float beta1 = (float) r.beta1();
        float beta2 = (float) r.beta2();
        float rest1 = (float) (1 - r.beta1());
        float rest2 = (float) (1 - r.beta2());
        float eps = (float) r.eps();
        float corrected = (float) (rate / bias(r.beta1(), step));
        float root = (float) Math.sqrt(bias(r.beta2(), step));
        for (long i = 0; i < 4 * n; i += 4) {
            float p = Raw.get(w + i);
            float slope = r.decoupled() ? Raw.get(g + i) : Raw.get(g + i) + decay * p;
            float first = beta1 * Raw.get(m + i) + rest1 * slope;
            float second = beta2 * Raw.get(v + i) + rest2 * (slope * slope);
            Raw.set(m + i, first);
            Raw.set(v + i, second);
            Raw.set(w + i, (r.decoupled() ? p - rate * decay * p : p) - corrected * (first / ((float) Math.sqrt(second) / root + eps)));
        }
    }

    /** {@code 1 - beta^step}, in double and without the cancellation of the plain form. */
    static double bias(double beta, int step) {
        return -StrictMath.expm1(step * StrictMath.log(beta));
    }
}
