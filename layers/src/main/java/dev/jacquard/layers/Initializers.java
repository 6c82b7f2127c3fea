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
        return (shape, seed) -> {
            float[] v = new float[Math.toIntExact(shape.size())];
            // A number is a function of its place, so pieces may be made side by side: a network has millions.
            IntStream.range(0, (v.length + PIECE - 1) / PIECE).parallel()
                    .forEach(i -> Philox.normals(seed, 0, 0, (long) i * PIECE, v, i * PIECE, Math.min(PIECE, v.length - i * PIECE)));
            return scaled(v, gain / Math.sqrt(fan.of(shape)), 0);
        };
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

    private static float[] scaled(float[] v, double scale, double shift) {
        for (int i = 0; i < v.length; i++) {
            v[i] = (float) (v[i] * scale + shift);
        }
        return v;
    }
}
