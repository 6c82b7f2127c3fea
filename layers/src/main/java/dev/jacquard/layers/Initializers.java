package dev.jacquard.layers;

import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.random.Philox;
import java.util.stream.IntStream;

/**
 * First values of weights, by PyTorch's rules on the engine's layouts: of a weight (K, R, S, C/groups) or (K, C) the fan-in is
 * {@code R S C/groups} and the fan-out {@code K R S}. As in PyTorch, the fan-out does not know of groups. Constants are {@link Initializer#constant}.
 */
public final class Initializers {
    private static final int PIECE = 1 << 15;

    /** Deviation of a standard normal distribution cut at +-2, as Keras has it. */
    private static final double TRUNCATED_DEVIATION = 0.87962566103423978;

    private Initializers() {}

    /** Which count of connections keeps the variance: of the activations, or of the gradients. */
    public enum Fan {
        /** Inputs of an output: activations keep their variance. */
        IN,
        /** Outputs of an input: gradients keep their variance. */
        OUT;

        /** Number of connections of a weight. */
        long of(Shape weight) {
            return weight.size() / Math.max(1, weight.dim(this == IN ? 0 : -1));
        }
    }

    /**
     * Normal of deviation {@code gain / sqrt(fan)} (He et al. 2015, arXiv:1502.01852).
     *
     * @param gain sqrt(2) before a ReLU
     */
    public static Initializer kaimingNormal(Fan fan, double gain) {
        return (shape, seed) -> scaled(normals(shape, seed), gain / Math.sqrt(fan.of(shape)), 0);
    }

    private static float[] normals(Shape shape, long seed) {
        float[] v = new float[Math.toIntExact(shape.size())];
        // A number is a function of its place, so pieces may be made side by side: a network has millions.
        IntStream.range(0, (v.length + PIECE - 1) / PIECE).parallel()
                .forEach(i -> Philox.normals(seed, 0, 0, (long) i * PIECE, v, i * PIECE, Math.min(PIECE, v.length - i * PIECE)));
        return v;
    }

    /**
     * Uniform in {@code +-gain sqrt(3 / fan)}, the gain that of a leaky ReLU of slope {@code a}: {@code sqrt(2 / (1 + a a))}. With the fan-in and a slope
     * of sqrt(5), which is PyTorch's default for convolutions and linear layers, the bound is {@code 1 / sqrt(fan)}.
     */
    public static Initializer kaimingUniform(Fan fan, double a) {
        return (shape, seed) -> uniform(Math.sqrt(6 / ((1 + a * a) * fan.of(shape)))).values(shape, seed);
    }

    /** What PyTorch gives convolutions and linear layers when nothing is said: uniform in {@code +-1 / sqrt(fan-in)}. */
    public static Initializer standard() {
        return kaimingUniform(Fan.IN, Math.sqrt(5));
    }

    /** Uniform in [-bound, bound). */
    public static Initializer uniform(double bound) {
        return (shape, seed) -> {
            float[] v = new float[Math.toIntExact(shape.size())];
            Philox.uniforms(seed, 0, 0, 0, v, 0, v.length);
            return scaled(v, 2 * bound, -bound);
        };
    }

    /**
     * Keras' VarianceScaling with a truncated normal distribution: a normal one whose values beyond two deviations are drawn again, of deviation
     * {@code sqrt(scale / fan)} after the truncation. As in Keras the deviation is corrected by the constant below, that of a standard normal within +-2.
     *
     * <p>Keras counts the fans of a convolution as {@link Fan} does: (R, S, C/groups, K) has the fan-out {@code R S K}. Its depthwise kernels are (R, S, C, multiplier), of which
     * the same rule makes the fan-in {@code R S C} and the fan-out {@code R S multiplier}. With a multiplier of 1 the latter is {@code R S}; to have it, say {@link Fan#IN} of the
     * engine's (C, R, S, 1).
     */
    public static Initializer varianceScalingNormal(double scale, Fan fan) {
        return (shape, seed) -> {
            float[] v = normals(shape, seed);
            for (int i = 0; i < v.length; i++) {
                for (int attempt = 1; Math.abs(v[i]) > 2; attempt++) {
                    v[i] = Philox.normal(seed, 0, attempt, i);
                }
            }
            return scaled(v, Math.sqrt(scale / fan.of(shape)) / TRUNCATED_DEVIATION, 0);
        };
    }

    /** Keras' VarianceScaling with a uniform distribution: within {@code +-sqrt(3 scale / fan)}. */
    public static Initializer varianceScalingUniform(double scale, Fan fan) {
        return (shape, seed) -> uniform(Math.sqrt(3 * scale / fan.of(shape))).values(shape, seed);
    }

    private static float[] scaled(float[] v, double scale, double shift) {
        for (int i = 0; i < v.length; i++) {
            v[i] = (float) (v[i] * scale + shift);
        }
        return v;
    }
}
