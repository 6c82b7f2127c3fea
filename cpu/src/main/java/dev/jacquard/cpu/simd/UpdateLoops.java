package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.all;
import static dev.jacquard.cpu.simd.Species.get;
import static dev.jacquard.cpu.simd.Species.load;
import static dev.jacquard.cpu.simd.Species.set;
import static dev.jacquard.cpu.simd.Species.store;

import dev.jacquard.cpu.UpdateLoop;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.op.Update.Adam;
import dev.jacquard.tensor.op.Update.RmsProp;
import dev.jacquard.tensor.op.Update.SgdMomentum;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Optimizer updates. Forms of one rule are one loop with other factors wherever that is possible, and never a choice inside of a loop: a vector that is one of two things
 * is boxed, and so were some hundred kilobytes at every step.
 */
final class UpdateLoops {
    private UpdateLoops() {}

    /** The loop of a rule that is not extended: whole vectors here, what is left element by element. */
    static UpdateLoop of(Update.Rule rule) {
        UpdateLoop whole = whole(rule);
        UpdateLoop tail = UpdateLoop.scalar(rule);
        return (w, first, second, g, n, decay, rate, step) -> {
            long vectors = n - n % LANES;
            whole.run(w, first, second, g, vectors, decay, rate, step);
            if (vectors < n) {
                long at = 4 * vectors;
                tail.run(w + at, first + at, second + at, g + at, n - vectors, decay, rate, step);
            }
        };
    }

    private static UpdateLoop whole(Update.Rule rule) {
        return switch (rule) {
            case Update.Sgd _ -> (w, _, _, g, n, decay, rate, _) -> descent(w, g, n, decay, rate);
            case Update.Average _ -> (w, _, _, x, n, gain, keep, _) -> average(w, x, n, gain, keep);
            case Update.Accumulate _ -> (sum, _, _, g, n, _, keep, _) -> accumulate(sum, g, n, keep);
            case SgdMomentum r -> (w, v, _, g, n, decay, rate, _) -> momentum(r, w, v, g, n, decay, rate);
            case RmsProp r when r.form() == RmsProp.Form.PYTORCH -> (w, s, b, g, n, decay, rate, _) -> rmsPropOfPyTorch(r, w, s, b, g, n, decay, rate);
            case RmsProp r -> (w, s, b, g, n, decay, rate, _) -> rmsPropOfTensorFlow(r, w, s, b, g, n, decay, rate);
            case Adam r -> (w, m, v, g, n, decay, rate, step) -> adam(r, w, m, v, g, n, decay, rate, step);
            case Update.ExtendedUpdate e -> throw new AssertionError(e);
        };
    }

    private static void descent(long w, long g, long n, float decay, float rate) {
        FloatVector d = all(decay);
        FloatVector r = all(-rate);
        for (long i = 0; i + LANES <= n; i += LANES) {
            FloatVector p = load(w + 4 * i);
            store(p.fma(d, load(g + 4 * i)).fma(r, p), w + 4 * i);
        }
    }

    private static void average(long w, long x, long n, float gain, float keep) {
        FloatVector k = all(keep);
        FloatVector rest = all((1 - keep) * gain);
        for (long i = 0; i + LANES <= n; i += LANES) {
            store(load(w + 4 * i).fma(k, load(x + 4 * i).mul(rest)), w + 4 * i);
        }
    }

    private static void accumulate(long sum, long g, long n, float keep) {
        if (keep == 0) {
            for (long i = 0; i + LANES <= n; i += LANES) {
                store(load(g + 4 * i), sum + 4 * i);
            }
        } else {
            for (long i = 0; i + LANES <= n; i += LANES) {
                store(load(sum + 4 * i).add(load(g + 4 * i)), sum + 4 * i);
            }
        }
    }

    /** See {@link dev.jacquard.cpu.Simd#scale}. */
    static boolean scale(long from, long to, long n, float factor) {
        FloatVector by = all(factor);
        FloatVector odd = all(0);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector x = load(from + 4 * i);
            odd = odd.add(x.mul(0f)); // of what is not finite: NaN, and it stays
            store(x.mul(by), to + 4 * i);
        }
        float rest = 0;
        for (; i < n; i++) {
            float x = get(from + 4 * i);
            rest += 0 * x;
            set(to + 4 * i, x * factor);
        }
        return odd.reduceLanes(VectorOperators.ADD) + rest == 0;
    }

    /** See {@link dev.jacquard.cpu.Simd#squares}. */
    static float squares(long x, long n) {
        FloatVector sum = all(0);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector v = load(x + 4 * i);
            sum = v.fma(v, sum);
        }
        float rest = 0;
        for (; i < n; i++) {
            rest += get(x + 4 * i) * get(x + 4 * i);
        }
        return sum.reduceLanes(VectorOperators.ADD) + rest;
    }

    /** See {@link dev.jacquard.cpu.Simd#finite}. */
    static boolean finite(long x, long n) {
        FloatVector odd = all(0);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            odd = odd.add(load(x + 4 * i).mul(0f));
        }
        float rest = 0;
        for (; i < n; i++) {
            rest += 0 * get(x + 4 * i);
        }
        return odd.reduceLanes(VectorOperators.ADD) + rest == 0;
    }

    /** The buffer takes {@code pull = slope scale}; the parameter moves by {@code byPull pull + bySpeed speed}. */
    private static void momentum(SgdMomentum rule, long w, long v, long g, long n, float decay, float rate) {
        boolean keras = rule.form() == SgdMomentum.Form.KERAS;
        float outside = keras ? 1 : -rate;
        FloatVector d = all(decay);
        FloatVector m = all(rule.momentum());
        FloatVector scale = all(keras ? -rate : 1);
        FloatVector byPull = all(rule.nesterov() ? outside : 0);
        FloatVector bySpeed = all(rule.nesterov() ? outside * (float) rule.momentum() : outside);
        for (long i = 0; i + LANES <= n; i += LANES) {
            FloatVector p = load(w + 4 * i);
            FloatVector pull = p.fma(d, load(g + 4 * i)).mul(scale);
            FloatVector speed = load(v + 4 * i).fma(m, pull);
            store(speed, v + 4 * i);
            store(pull.fma(byPull, speed.fma(bySpeed, p)), w + 4 * i);
        }
    }

    private static void rmsPropOfPyTorch(RmsProp rule, long w, long s, long b, long g, long n, float decay, float rate) {
        FloatVector d = all(decay);
        FloatVector alpha = all(rule.alpha());
        FloatVector rest = all(1 - rule.alpha());
        FloatVector eps = all(rule.eps());
        FloatVector m = all(rule.momentum());
        FloatVector r = all(-rate);
        for (long i = 0; i + LANES <= n; i += LANES) {
            FloatVector p = load(w + 4 * i);
            FloatVector slope = p.fma(d, load(g + 4 * i));
            FloatVector square = load(s + 4 * i).fma(alpha, slope.mul(slope).mul(rest));
            FloatVector speed = load(b + 4 * i).fma(m, slope.div(square.sqrt().add(eps)));
            store(square, s + 4 * i);
            store(speed, b + 4 * i);
            store(speed.fma(r, p), w + 4 * i);
        }
    }

    private static void rmsPropOfTensorFlow(RmsProp rule, long w, long s, long b, long g, long n, float decay, float rate) {
        FloatVector d = all(decay);
        FloatVector alpha = all(rule.alpha());
        FloatVector rest = all(1 - rule.alpha());
        FloatVector eps = all(rule.eps());
        FloatVector m = all(rule.momentum());
        FloatVector r = all(rate);
        for (long i = 0; i + LANES <= n; i += LANES) {
            FloatVector p = load(w + 4 * i);
            FloatVector slope = p.fma(d, load(g + 4 * i));
            FloatVector square = load(s + 4 * i).fma(alpha, slope.mul(slope).mul(rest));
            FloatVector speed = load(b + 4 * i).fma(m, slope.mul(r).div(square.add(eps).sqrt()));
            store(square, s + 4 * i);
            store(speed, b + 4 * i);
            store(p.sub(speed), w + 4 * i);
        }
    }

    /** Coupled decay adds to the gradient, decoupled decay takes from the parameter; the other one's factor is 0. */
    private static void adam(Adam rule, long w, long m, long v, long g, long n, float decay, float rate, int step) {
        FloatVector coupled = all(rule.decoupled() ? 0 : decay);
        FloatVector decoupled = all(rule.decoupled() ? -rate * decay : 0);
        FloatVector beta1 = all(rule.beta1());
        FloatVector rest1 = all(1 - rule.beta1());
        FloatVector beta2 = all(rule.beta2());
        FloatVector rest2 = all(1 - rule.beta2());
        FloatVector eps = all(rule.eps());
        FloatVector corrected = all(-rate / UpdateLoop.bias(rule.beta1(), step));
        FloatVector inverseRoot = all(1 / Math.sqrt(UpdateLoop.bias(rule.beta2(), step))); // a product costs less than a quotient
        for (long i = 0; i + LANES <= n; i += LANES) {
            FloatVector p = load(w + 4 * i);
            FloatVector slope = p.fma(coupled, load(g + 4 * i));
            FloatVector first = load(m + 4 * i).fma(beta1, slope.mul(rest1));
            FloatVector second = load(v + 4 * i).fma(beta2, slope.mul(slope).mul(rest2));
            store(first, m + 4 * i);
            store(second, v + 4 * i);
            store(first.div(second.sqrt().fma(inverseRoot, eps)).fma(corrected, p.fma(decoupled, p)), w + 4 * i);
        }
    }
}
